/// Entries in buckets of equal frequency, each bucket in order of arrival; all links are 32-bit indices in
/// arrays.
///
/// The buckets stand in order of frequency. A bucket exists while it has members, suspended ones included: so
/// a suspended entry finds its bucket again, and the next frequency is always that of the bucket itself or of
/// its neighbour.
internal struct FrequencyOrder: ~Copyable {
    /// No entry, or no bucket.
    private static let none = UInt32.max

    // Entry and Bucket are internal, not private, for the reason given in EvictionList.

    /// The links of an entry.
    internal struct Entry: BitwiseCopyable {
        /// The neighbours in the ring of the bucket's candidates; `none` while suspended.
        var previous = FrequencyOrder.none
        var next = FrequencyOrder.none
        /// `none` when the entry is absent.
        var bucket = FrequencyOrder.none
    }

    /// The entries of one frequency.
    internal struct Bucket: BitwiseCopyable {
        var frequency: UInt64
        /// Candidates and suspended entries.
        var memberCount: UInt32 = 0
        /// The oldest candidate; the newest stands before it in the ring.
        var first = FrequencyOrder.none
    }

    private let entries: SlotArray<Entry>
    /// Bucket 0 is none: its `first` heads the chain of free buckets, linked by `first`.
    private let buckets: SlotArray<Bucket>
    private let bucketOrder = EvictionList(expectedSlotCount: 0)

    /// Creates an empty order with memory reserved for slots below `expectedSlotCount`.
    init(expectedSlotCount: Int) {
        entries = SlotArray(reserving: expectedSlotCount)
        buckets = SlotArray(reserving: 0)
        buckets.extend(toCount: 1, repeating: Bucket(frequency: 0))
    }

    /// The oldest candidate of the lowest frequency, or `nil` when all entries are suspended.
    var firstCandidate: EntrySlot? { candidate(fromBucket: bucketOrder.first) }

    /// The candidate behind `slot`, or `nil` at the end; traps when `slot` is not a candidate.
    func candidate(after slot: EntrySlot) -> EntrySlot? {
        precondition(isCandidate(slot), "entry \(slot) is not a candidate")
        let entry = entries[Int(slot)]
        guard entry.next == buckets[Int(entry.bucket)].first else { return entry.next }
        return candidate(fromBucket: bucketOrder.slot(after: entry.bucket))
    }

    /// Brings the links of an entry closer, because they will be followed soon.
    func prefetch(_ slot: EntrySlot) { entries.prefetch(Int(slot)) }

    /// Adds a candidate with frequency 1; traps when the slot is already there.
    func insert(_ slot: EntrySlot) {
        precondition(slot < FrequencyOrder.none, "slot \(slot) is beyond the largest an evictor can hold")
        precondition(!contains(slot), "entry \(slot) is already in the evictor")
        entries.extend(toCount: Int(slot) + 1, repeating: Entry())
        join(slot, bucket: bucket(ofFrequency: 1, after: nil))
        link(slot)
    }

    /// Raises the entry's frequency by one; traps when it is absent.
    func recordHit(_ slot: EntrySlot) {
        precondition(contains(slot), "entry \(slot) is not in the evictor")
        let old = entries[Int(slot)].bucket
        let frequency = buckets[Int(old)].frequency + 1
        let successor = bucketOrder.slot(after: old)
        if buckets[Int(old)].memberCount == 1, !isFrequency(frequency, ofBucket: successor) {
            // Alone in its bucket, and no bucket in the way: the bucket rises with it.
            buckets[Int(old)].frequency = frequency
            return
        }
        let wasCandidate = isCandidate(slot)
        if wasCandidate { unlink(slot) }
        join(slot, bucket: bucket(ofFrequency: frequency, after: old))
        leave(bucket: old)
        if wasCandidate { link(slot) }
    }

    /// Takes the entry out of the candidates; traps when it is none.
    func suspend(_ slot: EntrySlot) {
        precondition(isCandidate(slot), "entry \(slot) is not a candidate")
        unlink(slot)
    }

    /// Makes the entry the newest candidate of its frequency; traps when it is not suspended.
    func resume(_ slot: EntrySlot) {
        precondition(contains(slot) && !isCandidate(slot), "entry \(slot) is not suspended")
        link(slot)
    }

    /// Forgets the entry; traps when it is absent.
    func remove(_ slot: EntrySlot) {
        precondition(contains(slot), "entry \(slot) is not in the evictor")
        if isCandidate(slot) { unlink(slot) }
        leave(bucket: entries[Int(slot)].bucket)
        entries[Int(slot)].bucket = FrequencyOrder.none
    }

    private func contains(_ slot: EntrySlot) -> Bool {
        Int(slot) < entries.count && entries[Int(slot)].bucket != FrequencyOrder.none
    }

    private func isCandidate(_ slot: EntrySlot) -> Bool {
        Int(slot) < entries.count && entries[Int(slot)].next != FrequencyOrder.none
    }

    private func isFrequency(_ frequency: UInt64, ofBucket bucket: UInt32?) -> Bool {
        guard let bucket else { return false }
        return buckets[Int(bucket)].frequency == frequency
    }

    private func candidate(fromBucket start: UInt32?) -> EntrySlot? {
        var current = start
        while let bucket = current {
            let first = buckets[Int(bucket)].first
            if first != FrequencyOrder.none { return first }
            current = bucketOrder.slot(after: bucket)
        }
        return nil
    }

    /// The bucket of a frequency, made if need be; `predecessor` is the last bucket of a lower frequency.
    private func bucket(ofFrequency frequency: UInt64, after predecessor: UInt32?) -> UInt32 {
        let successor = if let predecessor { bucketOrder.slot(after: predecessor) } else { bucketOrder.first }
        if let successor, buckets[Int(successor)].frequency == frequency { return successor }
        let bucket = takeFreeBucket()
        buckets[Int(bucket)] = Bucket(frequency: frequency)
        bucketOrder.insert(bucket, after: predecessor)
        return bucket
    }

    private func takeFreeBucket() -> UInt32 {
        let free = buckets[0].first
        if free != FrequencyOrder.none {
            buckets[0].first = buckets[Int(free)].first
            return free
        }
        let bucket = buckets.count
        buckets.extend(toCount: bucket + 1, repeating: Bucket(frequency: 0))
        return UInt32(bucket)
    }

    private func join(_ slot: EntrySlot, bucket: UInt32) {
        entries[Int(slot)].bucket = bucket
        buckets[Int(bucket)].memberCount += 1
    }

    private func leave(bucket: UInt32) {
        buckets[Int(bucket)].memberCount -= 1
        guard buckets[Int(bucket)].memberCount == 0 else { return }
        bucketOrder.remove(bucket)
        buckets[Int(bucket)].first = buckets[0].first
        buckets[0].first = bucket
    }

    /// Puts an entry at the end of its bucket's ring of candidates.
    private func link(_ slot: EntrySlot) {
        let bucket = Int(entries[Int(slot)].bucket)
        let first = buckets[bucket].first
        guard first != FrequencyOrder.none else {
            entries[Int(slot)].previous = slot
            entries[Int(slot)].next = slot
            buckets[bucket].first = slot
            return
        }
        let last = entries[Int(first)].previous
        entries[Int(slot)].previous = last
        entries[Int(slot)].next = first
        entries[Int(last)].next = slot
        entries[Int(first)].previous = slot
    }

    /// Takes an entry out of its bucket's ring of candidates.
    private func unlink(_ slot: EntrySlot) {
        let entry = entries[Int(slot)]
        let bucket = Int(entry.bucket)
        if buckets[bucket].first == slot {
            buckets[bucket].first = entry.next == slot ? FrequencyOrder.none : entry.next
        }
        entries[Int(entry.previous)].next = entry.next
        entries[Int(entry.next)].previous = entry.previous
        entries[Int(slot)].previous = FrequencyOrder.none
        entries[Int(slot)].next = FrequencyOrder.none
    }
}
