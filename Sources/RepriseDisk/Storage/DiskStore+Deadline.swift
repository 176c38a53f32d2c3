package import RepriseCore

// SAFETY, whole file: references to keys are not kept beyond the calls that they are given to.

extension DiskStore {
    /// Sets when a key's value expires, stored or on its way; call ``start()`` after it.
    ///
    /// - Returns: What is to be recorded before that is acknowledged; `nil` when there is nothing.
    package func setDeadline(_ key: KeyReference, to deadline: Int64?) -> RecordedChange? {
        state.withLock { state in
            guard let slot = unsafe state.table.slot(of: key) else { return nil }
            guard state.table.entries[slot].status == .stored else {
                // Its header has the new deadline, or is rewritten once it is written.
                state.jobs[slot]?.deadline = deadline
                return nil
            }
            state.table.setDeadline(of: slot, to: deadline)
            guard !state.health.isOut else { return nil }
            let change = RecordedChange(pendingCount: 2)
            let sequence = state.table.entries[slot].sequence
            let startUnit = state.startUnit(of: slot)
            state.journal.append(.expiry(startUnit: startUnit, sequence: sequence, deadline: deadline))
            state.journal.waiters.append(.change(change))
            state.flushJournal(in: self)
            state.rewriteHeader(of: slot, in: self, waiting: change)
            return change
        }
    }

    /// Removes what has expired, tries again what has failed, and takes out a disk whose calls hang.
    ///
    /// Called every ``DiskLimits/tickMilliseconds``.
    package func tick() {
        perform { state in
            var budget = DiskLimits.expiredEntryCount
            let now = wallClock.nowMilliseconds
            while let slot = state.table.firstDue(now: now, budget: &budget) {
                state.statistics.expiredCount += 1
                state.withdrawStored(slot, in: self, waiting: nil)
                budget -= 1
            }
            state.retryDestructions(in: self)
            state.checkHealth(now: now, in: self)
            state.flushJournal(in: self)
        }
    }
}

extension DiskStore.State {
    /// Rewrites a stored record's header with its entry's deadline, one rewriting at a time.
    mutating func rewriteHeader(of slot: EntrySlot, in store: DiskStore, waiting change: RecordedChange?) {
        let block = table.entries[slot].block
        if let change { rewriting[block, default: []].append(change) }
        guard !table.entries[slot].isRewriting else { return }
        table.entries[slot].isRewriting = true
        table.updateSuspension(slot)
        holds[block, default: 0] += 1
        submitRewriting(of: slot, in: store)
    }

    private mutating func submitRewriting(of slot: EntrySlot, in store: DiskStore) {
        let entry = table.entries[slot]
        let (startUnit, deadline) = (startUnit(of: slot), table.deadline(of: slot))
        let changes = rewriting.removeValue(forKey: entry.block) ?? []
        actions.requests.append(
            IORequest(priority: .record) {
                let result = store.rewriteDeadline(at: startUnit, of: entry.sequence, to: deadline)
                store.perform {
                    $0.rewritingEnded(of: slot, entry, deadline: deadline, changes, result, in: store)
                }
            }
        )
    }

    private mutating func rewritingEnded(
        of slot: EntrySlot,
        _ entry: DiskEntry,
        deadline: Int64?,
        _ changes: [RecordedChange],
        _ result: Result<Void, LoadFailure>,
        in store: DiskStore
    ) {
        let isThere = table.isStored(slot) && table.entries[slot].sequence == entry.sequence
        if case .failure(let failure) = result {
            if case .call(let error) = failure { note(.failure(error), in: store) }
            // A header whose deadline is not known is not to be believed: what waits, waits for its end.
            if isThere { withdrawStored(slot, in: store, waiting: nil) }
        }
        if let record = withdrawnWhileRewriting.removeValue(forKey: entry.block) {
            record.changes += changes + (rewriting.removeValue(forKey: entry.block) ?? [])
            doom(record, in: store)
        } else {
            actions.afterwards.append { for change in changes { change.recordPart() } }
            // Not there: everything was removed at once.
            if !isThere { tellRewriting(entry.block) }
            if isThere, table.deadline(of: slot) != deadline || rewriting[entry.block] != nil {
                return submitRewriting(of: slot, in: store)
            }
            if isThere {
                table.entries[slot].isRewriting = false
                table.updateSuspension(slot)
            }
        }
        dropHold(entry.block)
        startWrites(in: store)
    }

    /// Tells those who wait for a rewriting that has become needless.
    mutating func tellRewriting(_ block: SegregatedFitAllocator.BlockID) {
        guard let changes = rewriting.removeValue(forKey: block) else { return }
        actions.afterwards.append { for change in changes { change.recordPart() } }
    }
}
