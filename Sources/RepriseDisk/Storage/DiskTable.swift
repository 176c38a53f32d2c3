internal import RepriseCore

// SAFETY, whole file: references to keys are not kept beyond the calls that they are given to.

/// The index of one disk: which keys it has, where, and which of them leaves first.
///
/// A hint: the record on the disk is the proof. Not thread-safe: it lives under the disk's lock.
@safe
struct DiskTable: ~Copyable {
    let entries: LazyRegion<DiskEntry>
    private var index = KeyIndex()
    private var keys = KeySlab()
    let evictor: any Evictor
    private var expiries: ExpiryWheel
    private var vacantSlot = EntrySlot.max
    private(set) var slotHighWater: EntrySlot = 0
    private var clock: UInt64 = 0
    private(set) var keyByteCount = 0
    private(set) var entryCount = 0

    init(capacity: Int, evictor: any Evictor, now: Int64) {
        entries = LazyRegion(capacity: capacity)
        self.evictor = evictor
        expiries = ExpiryWheel(capacity: capacity, now: now)
    }

    /// Bytes of memory beside those of the keys.
    var byteCount: Int {
        index.byteCount + keys.overheadByteCount(ofKeys: keyByteCount) + expiries.byteCount
            + Int(slotHighWater) * (MemoryLayout<DiskEntry>.stride + Self.evictorByteCount)
    }

    /// What the evictors take for each slot, at most.
    private static let evictorByteCount = 16

    mutating func tick() -> UInt64 {
        clock += 1
        return clock
    }

    var now: UInt64 { clock }

    /// The slot of a key, whatever its status, or `nil`.
    func slot(of key: KeyReference) -> EntrySlot? {
        let tag = unsafe KeyIndex.tag(of: key.fingerprint)
        let handle = index.find(tag: tag) { unsafe keys.matches($0, key.bytes) }
        return handle.map { keys.slot(of: $0) }
    }

    /// Adds an entry for a key that has none; `nil` when the index cannot take it.
    mutating func insert(_ key: KeyReference, payloadByteCount: Int) -> EntrySlot? {
        let slot = vacantSlot == .max ? slotHighWater : vacantSlot
        guard Int(slot) < entries.capacity else { return nil }
        let tag = unsafe KeyIndex.tag(of: key.fingerprint)
        guard let handle = unsafe keys.insert(key.bytes, slot: slot) else { return nil }
        guard index.insert(tag: tag, key: handle) else {
            keys.remove(handle)
            return nil
        }
        if slot == slotHighWater { slotHighWater += 1 } else { vacantSlot = EntrySlot(entries[slot].lastUse) }
        unsafe keyByteCount += key.bytes.count
        entryCount += 1
        let use = tick()
        entries[slot] = DiskEntry(tag: tag, key: handle, payloadByteCount: payloadByteCount, lastUse: use)
        return slot
    }

    /// Takes an entry out.
    mutating func remove(_ slot: EntrySlot) {
        let entry = entries[slot]
        if entry.expires { expiries.remove(slot) }
        if entry.isOrdered { evictor.remove(slot) }
        index.remove(tag: entry.tag, key: entry.key)
        keyByteCount -= keys.byteCount(of: entry.key)
        keys.remove(entry.key)
        entryCount -= 1
        entries[slot].status = .vacant
        entries[slot].expires = false
        entries[slot].isOrdered = false
        entries[slot].lastUse = UInt64(vacantSlot)
        vacantSlot = slot
    }

    func key(of slot: EntrySlot) -> StorageKey { keys.key(of: entries[slot].key) }

    func keyByteCount(of slot: EntrySlot) -> Int { keys.byteCount(of: entries[slot].key) }

    /// Whether a slot holds an entry that can be read.
    func isStored(_ slot: EntrySlot) -> Bool { slot < slotHighWater && entries[slot].status == .stored }

    /// Makes an entry a candidate for eviction, as the most recent.
    func order(_ slot: EntrySlot) {
        entries[slot].isOrdered = true
        entries[slot].isSuspended = false
        evictor.insert(slot)
        updateSuspension(slot)
    }

    /// Notes a use.
    mutating func use(_ slot: EntrySlot) {
        entries[slot].lastUse = tick()
        if entries[slot].isOrdered { evictor.recordHit(slot) }
    }

    /// Takes an entry out of the candidates while somebody reads, pins or rewrites it, and back in after.
    func updateSuspension(_ slot: EntrySlot) {
        let entry = entries[slot]
        guard entry.isOrdered else { return }
        let isHeld = entry.readerCount > 0 || entry.pinCount > 0 || entry.isRewriting
        guard isHeld != entry.isSuspended else { return }
        entries[slot].isSuspended = isHeld
        if isHeld { evictor.suspend(slot) } else { evictor.resume(slot) }
    }

    func deadline(of slot: EntrySlot) -> Int64? {
        entries[slot].expires ? expiries.deadline(of: slot) : nil
    }

    mutating func setDeadline(of slot: EntrySlot, to deadline: Int64?) {
        if entries[slot].expires { expiries.remove(slot) }
        entries[slot].expires = deadline != nil
        if let deadline { expiries.insert(slot, deadline: deadline) }
    }

    /// An entry whose time has come; see ``ExpiryWheel/firstDue(now:budget:)``.
    mutating func firstDue(now: Int64, budget: inout Int) -> EntrySlot? {
        expiries.firstDue(now: now, budget: &budget)
    }

    /// Stored entries in the order of their last use, least recent first.
    func slotsByUse() -> [EntrySlot] {
        var found: [(lastUse: UInt64, slot: EntrySlot)] = []
        found.reserveCapacity(entryCount)
        for slot in 0..<slotHighWater where entries[slot].status == .stored {
            found.append((entries[slot].lastUse, slot))
        }
        found.sort { $0.lastUse < $1.lastUse }
        return found.map(\.slot)
    }
}

extension DiskTable: SpanEvicting {
    package func block(ofEntry slot: EntrySlot) -> SegregatedFitAllocator.BlockID { entries[slot].block }

    package func evictionAge(
        of block: SegregatedFitAllocator.BlockID,
        allocator: borrowing SegregatedFitAllocator
    ) -> UInt64? {
        guard allocator.isAllocated(block) else { return .max }
        let slot = allocator.owner(of: block)
        guard isStored(slot), entries[slot].block == block, !entries[slot].isSuspended else { return nil }
        return clock - entries[slot].lastUse
    }
}
