package import RepriseCore

// SAFETY, whole file: references to keys are not kept beyond the calls that they are given to.

extension DiskStore {
    /// What is stored for a key, or `nil`.
    package func find(_ key: KeyReference) -> SlowerEntry? {
        state.withLock { state in
            unsafe state.readableSlot(of: key, now: wallClock).map { state.describe($0) }
        }
    }

    /// Whether a key is stored or on its way.
    package func holds(_ key: KeyReference) -> Bool {
        state.withLock { state in
            guard !state.health.isOut else { return false }
            return unsafe state.table.slot(of: key) != nil
        }
    }

    /// Whether a put of a key was accepted and has not ended.
    package func hasPutTask(_ key: KeyReference) -> Bool {
        state.withLock { state in
            guard let slot = unsafe state.table.slot(of: key) else { return false }
            return state.table.entries[slot].status != .stored
        }
    }

    /// Counts a key as just used.
    package func touch(_ key: KeyReference) {
        state.withLock { state in
            if let slot = unsafe state.table.slot(of: key) { state.table.use(slot) }
        }
    }

    /// Pins a stored key, so that it is not evicted.
    package func pin(_ key: KeyReference) -> Bool {
        state.withLock { state in
            guard let slot = unsafe state.readableSlot(of: key, now: wallClock),
                state.table.entries[slot].pinCount < .max
            else { return false }
            state.table.entries[slot].pinCount += 1
            state.table.use(slot)
            state.table.updateSuspension(slot)
            return true
        }
    }

    /// Gives a pin back; `false` when the key is not stored or not pinned.
    package func unpin(_ key: KeyReference) -> Bool {
        perform { state in
            guard let slot = unsafe state.table.slot(of: key), state.table.entries[slot].pinCount > 0
            else { return false }
            state.table.entries[slot].pinCount -= 1
            state.table.updateSuspension(slot)
            // A put may have waited for a place.
            state.startWrites(in: self)
            return true
        }
    }

    /// Up to `count` stored keys from a slot on, and the slot to go on with; 0 after the last.
    package func scan(from cursor: UInt64, count: Int) -> (keys: [StorageKey], next: UInt64) {
        state.withLock { state in
            guard cursor < UInt64(state.table.slotHighWater), !state.health.isOut else { return ([], 0) }
            var slot = EntrySlot(cursor)
            let end = min(state.table.slotHighWater, slot + EntrySlot(DiskLimits.batchEntryCount))
            var keys: [StorageKey] = []
            while slot < end, keys.count < max(1, count) {
                if state.isReadable(slot, now: wallClock) { keys.append(state.table.key(of: slot)) }
                slot += 1
            }
            return (keys, slot == state.table.slotHighWater ? 0 : UInt64(slot))
        }
    }

    /// Stored keys with their last uses.
    package var keysByUse: [(lastUse: UInt64, key: StorageKey)] {
        state.withLock { state in
            guard !state.health.isOut else { return [] }
            return state.table.slotsByUse().filter { state.isReadable($0, now: wallClock) }
                .map { (state.table.entries[$0].lastUse, state.table.key(of: $0)) }
        }
    }

    /// What the disk holds and has done.
    package var currentStatistics: DiskStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.usedByteCount = Int(state.extents.usedUnitCount) * AllocationUnit.byteCount
            statistics.capacityByteCount = Int(state.extents.unitCount) * AllocationUnit.byteCount
            statistics.configuredByteCount = layout.byteCount
            statistics.keyByteCount = state.table.keyByteCount
            statistics.indexByteCount = state.table.byteCount + state.extents.bookkeepingByteCount
            statistics.queuedCount = state.jobs.count
            statistics.queuedByteCount = state.queue.byteCount
            statistics.isOut = state.health.isOut
            return statistics
        }
    }

    /// What is wrong with the bookkeeping, or `nil`.
    ///
    /// - Complexity: O(entries + blocks), under the lock: for tests and operators.
    package func consistencyCheck() -> String? {
        state.withLock { $0.consistencyCheck() }
    }
}

extension DiskStore.State {
    /// The slot of a key whose value can be read, or `nil`.
    func readableSlot(of key: KeyReference, now clock: WallClock) -> EntrySlot? {
        guard !health.isOut, let slot = unsafe table.slot(of: key), isReadable(slot, now: clock) else {
            return nil
        }
        return slot
    }

    func isReadable(_ slot: EntrySlot, now clock: WallClock) -> Bool {
        guard table.isStored(slot), table.entries[slot].sequence >= floor else { return false }
        guard let deadline = table.deadline(of: slot) else { return true }
        return deadline > clock.nowMilliseconds
    }

    func describe(_ slot: EntrySlot) -> SlowerEntry {
        let entry = table.entries[slot]
        return SlowerEntry(
            byteCount: entry.payloadByteCount,
            physicalByteCount: Int(extents.unitCount(of: entry.block)) * AllocationUnit.byteCount,
            deadline: table.deadline(of: slot)
        )
    }

    func consistencyCheck() -> String? {
        if let fault = extents.consistencyCheck() { return fault }
        var unitCount: UInt32 = 0
        var (storedCount, payloadByteCount, indexedByteCount) = (0, 0, 0)
        for slot in 0..<table.slotHighWater where table.entries[slot].status != .vacant {
            let entry = table.entries[slot]
            if entry.status != .queued { indexedByteCount += indexedRecordByteCount(of: slot) }
            guard entry.status == .stored else { continue }
            storedCount += 1
            payloadByteCount += entry.payloadByteCount
            guard extents.isAllocated(entry.block), extents.owner(of: entry.block) == slot else {
                return "the block of entry \(slot) is not its own"
            }
            unitCount += extents.unitCount(of: entry.block)
        }
        // Values that were withdrawn while they were being written are in no job.
        let isIdle = jobs.isEmpty && holds.isEmpty && doomed.isEmpty && queue.runningCount == 0
        if isIdle, unitCount != extents.usedUnitCount {
            return "entries have \(unitCount) units, and \(extents.usedUnitCount) are in use"
        }
        let isJournalIdle = !journal.isFlushing && journal.waiters.isEmpty
        if isIdle, isJournalIdle, !withdrawn.isEmpty { return "withdrawn records are left" }
        if storedCount != statistics.entryCount || payloadByteCount != statistics.payloadByteCount {
            return "entries are \(storedCount) with \(payloadByteCount) bytes, counted otherwise"
        }
        if indexedByteCount != self.indexedByteCount { return "the snapshot's length is counted otherwise" }
        return nil
    }

    /// Bytes that an entry's record takes in a snapshot.
    func indexedRecordByteCount(of slot: EntrySlot) -> Int {
        IndexedRecord.byteCount(keyByteCount: table.keyByteCount(of: slot))
    }
}
