// SAFETY, whole file: keys lie in the slab, or with the caller, during the call.

extension EntryStore.State {
    /// How many of the next candidates are offered to the slower tier before they are evicted.
    private static let offeredAheadCount = 8

    /// Withdraws a key's copy from the slower tier.
    mutating func withdrawSlower(_ key: KeyReference) {
        guard let slower else { return }
        if let change = unsafe slower.withdraw(key) { changes.append(change) }
    }

    /// Whether a key that is not in memory is behind it.
    func isCold(_ key: KeyReference, recordingUse: Bool) -> Bool {
        guard let slower, unsafe slower.find(key) != nil else { return false }
        if recordingUse { unsafe slower.touch(key) }
        return true
    }

    /// What the slower tier has to record before what was done is acknowledged; `nil` for nothing.
    mutating func takeChange() -> RecordedChange? {
        guard !changes.isEmpty else { return nil }
        defer { changes.removeAll(keepingCapacity: true) }
        return changes.count == 1 ? changes[0] : RecordedChange(joining: changes)
    }

    /// Offers a stored value to the slower tier; it is in use until it is written.
    mutating func offer(_ slot: EntrySlot, _ key: KeyReference, deadline: Int64?) {
        let object = object(at: slot)
        guard let slower, unsafe slower.offer(key, object, deadline: deadline) else { return }
        guard !object.isIdle, !entries[slot].isSuspended else { return }
        entries[slot].isSuspended = true
        evictor.suspend(slot)
    }

    /// Notes that an entry leaves the memory: from now on the slower tier's copy is the one that is used.
    func touchSlower(_ slot: EntrySlot) {
        guard let slower else { return }
        unsafe slower.touch(keys.reference(to: entries[slot].key))
    }

    /// Offers the values that will be evicted next to the slower tier, if it does not have them: their task
    /// was dropped, or it has evicted them while they were used here.
    mutating func offerNextVictims() {
        guard let slower, removalCount == 0 else { return }
        var next = evictor.firstCandidate
        for _ in 0..<Self.offeredAheadCount {
            guard let slot = next else { return }
            next = evictor.candidate(after: slot)
            guard !entries[slot].wasOfferedAgain else { continue }
            entries[slot].wasOfferedAgain = true
            let key = unsafe keys.reference(to: entries[slot].key)
            guard unsafe !slower.holds(key) else { continue }
            unsafe offer(slot, key, deadline: deadline(of: slot))
        }
    }
}

extension RecordedChange {
    /// A change that is recorded when all of these are; `nil` for none.
    package convenience init?(joining changes: [RecordedChange]) {
        guard !changes.isEmpty else { return nil }
        self.init(pendingCount: changes.count)
        for change in changes { change.whenRecorded { self.recordPart() } }
    }
}
