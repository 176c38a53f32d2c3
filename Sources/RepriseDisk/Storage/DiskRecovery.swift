internal import RepriseCore

// SAFETY, whole file: references to keys are not kept beyond the calls that they are given to.

/// What is known of a disk's entries while its snapshot and journals are read back.
///
/// While it lasts, an entry's `block` holds its record's first unit in the data file.
@safe
struct DiskRecovery: ~Copyable {
    private(set) var table: DiskTable
    /// By a record's first unit: its entry's slot plus one.
    private let slots: LazyRegion<UInt32>
    private let unitCount: UInt32
    var floor: RecordSequence
    /// The highest sequence met.
    private(set) var sequence = RecordSequence.zero
    private(set) var appliedCount = 0
    /// Where records may stand that are not to be believed, because they were about to be written and no put
    /// tells of them, or were removed and nothing tells that their headers are gone.
    private(set) var doubtful: [UInt32: [RecordSequence]] = [:]

    init(table: consuming DiskTable, unitCount: UInt32, floor: RecordSequence) {
        self.table = table
        self.unitCount = unitCount
        self.floor = floor
        slots = LazyRegion(capacity: Int(unitCount))
    }

    /// Applies a record of a journal; its key is in `key`.
    mutating func apply(_ record: JournalRecord) {
        appliedCount += 1
        switch record {
        case .put(let record):
            doubtful[record.startUnit] = nil
            put(record)
        case .begin(let startUnit, let sequence):
            doubtful[startUnit, default: []].append(sequence)
            self.sequence = max(self.sequence, sequence)
        case .destroyed(let startUnit, let sequence):
            doubtful[startUnit]?.removeAll { $0 == sequence }
            if doubtful[startUnit]?.isEmpty ?? false { doubtful[startUnit] = nil }
        case .remove(let startUnit, let removed):
            doubtful[startUnit, default: []].append(removed)
            guard let slot = slot(at: startUnit), table.entries[slot].sequence == removed else { return }
            remove(slot)
        case .expiry(let startUnit, let changed, let deadline):
            guard let slot = slot(at: startUnit), table.entries[slot].sequence == changed else { return }
            table.setDeadline(of: slot, to: deadline)
        case .floor(let raised):
            floor = max(floor, raised)
        }
    }

    /// Adds an entry, in place of an older one of the same key and of whatever stood at its place.
    mutating func put(_ record: IndexedRecord) {
        guard isPossible(record) else { return }
        sequence = max(sequence, record.sequence)
        if let other = slot(at: record.startUnit) {
            guard table.entries[other].sequence < record.sequence else { return }
            remove(other)
        }
        let key = StorageKey(record.key)
        unsafe key.withReference { key in
            if let older = unsafe table.slot(of: key) {
                guard table.entries[older].sequence < record.sequence else { return }
                remove(older)
            }
            guard let slot = unsafe table.insert(key, payloadByteCount: record.payloadByteCount) else {
                return
            }
            table.entries[slot].sequence = record.sequence
            table.entries[slot].block = record.startUnit
            table.entries[slot].status = .stored
            table.setDeadline(of: slot, to: record.deadline)
            slots[record.startUnit] = slot + 1
        }
    }

    /// Whether a record can lie where it says.
    private func isPossible(_ record: IndexedRecord) -> Bool {
        guard record.startUnit >= Superblock.firstRecordUnit, record.startUnit < unitCount,
            record.payloadByteCount >= 0, record.key.count <= RecordHeader.keyByteCountMax,
            let payload = AllocationUnit.count(forByteCount: record.payloadByteCount)
        else { return false }
        return payload < unitCount - record.startUnit
    }

    private func slot(at startUnit: UInt32) -> EntrySlot? {
        guard startUnit < unitCount, slots[startUnit] != 0 else { return nil }
        return slots[startUnit] - 1
    }

    private mutating func remove(_ slot: EntrySlot) {
        slots[table.entries[slot].block] = 0
        table.remove(slot)
    }

    /// Drops what is void, has expired or lies over a later record, and gives the rest its places.
    ///
    /// - Returns: The allocator of the data file, in which they are taken.
    mutating func settle(now: Int64) -> SegregatedFitAllocator {
        var remaining: [(startUnit: UInt32, slot: EntrySlot)] = []
        for slot in 0..<table.slotHighWater where table.isStored(slot) {
            let entry = table.entries[slot]
            if entry.sequence < floor || table.deadline(of: slot).map({ $0 <= now }) ?? false {
                table.remove(slot)
            } else {
                remaining.append((entry.block, slot))
            }
        }
        remaining.sort { $0.startUnit < $1.startUnit }
        return place(withoutOverlaps(remaining))
    }

    private mutating func withoutOverlaps(
        _ sorted: [(startUnit: UInt32, slot: EntrySlot)]
    ) -> [(startUnit: UInt32, slot: EntrySlot)] {
        var kept: [(startUnit: UInt32, slot: EntrySlot)] = []
        kept.reserveCapacity(sorted.count)
        for next in sorted {
            var isKept = true
            while let last = kept.last, last.startUnit + recordUnitCount(last.slot) > next.startUnit {
                // The later record was written when the other's place was free.
                guard table.entries[last.slot].sequence < table.entries[next.slot].sequence else {
                    isKept = false
                    break
                }
                table.remove(last.slot)
                kept.removeLast()
            }
            if isKept { kept.append(next) } else { table.remove(next.slot) }
        }
        return kept
    }

    private func recordUnitCount(_ slot: EntrySlot) -> UInt32 {
        1 + (AllocationUnit.count(forByteCount: table.entries[slot].payloadByteCount) ?? 0)
    }

    private mutating func place(
        _ sorted: [(startUnit: UInt32, slot: EntrySlot)]
    ) -> SegregatedFitAllocator {
        var extents = SegregatedFitAllocator(unitCount: unitCount - Superblock.firstRecordUnit)
        for (startUnit, slot) in sorted {
            let block = extents.restore(
                start: startUnit - Superblock.firstRecordUnit,
                unitCount: recordUnitCount(slot)
            )
            extents.setOwner(of: block, to: slot)
            table.entries[slot].block = block
        }
        for slot in table.slotsByUse() { table.order(slot) }
        return extents
    }

    /// Hands the table over.
    consuming func takeTable() -> DiskTable { table }
}
