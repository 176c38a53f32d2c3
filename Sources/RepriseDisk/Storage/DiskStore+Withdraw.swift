package import RepriseCore

// SAFETY, whole file: references to keys are not kept beyond the calls that they are given to.

extension DiskStore {
    /// Forgets a key, stored or on its way; call ``start()`` after it.
    ///
    /// - Returns: What is to be recorded before that is acknowledged; `nil` when there is nothing.
    package func withdraw(_ key: KeyReference) -> RecordedChange? {
        state.withLock { state in unsafe state.withdraw(key, in: self) }
    }

    /// Removes a key; says whether it was stored or on its way, and what is to be recorded.
    package func remove(_ key: KeyReference) -> (wasStored: Bool, change: RecordedChange?) {
        perform { state in
            let wasStored = unsafe state.readableSlot(of: key, now: wallClock) != nil
            return (wasStored, unsafe state.withdraw(key, in: self))
        }
    }

    /// Forgets every key, stored or on its way.
    package func withdrawAll() -> RecordedChange? {
        let change = RecordedChange(pendingCount: 1)
        var start: EntrySlot? = perform { state in
            state.beginWithdrawingAll(change, in: self)
            return 0
        }
        while let next = start {
            start = perform { $0.forgetVoidEntries(from: next, in: self) }
        }
        return change
    }
}

extension DiskStore.State {
    mutating func withdraw(_ key: KeyReference, in store: DiskStore) -> RecordedChange? {
        var change: RecordedChange?
        let fingerprint = unsafe key.fingerprint
        // An earlier copy may still be about to be destroyed: until then this one is not acknowledged either.
        if let records = withdrawn[fingerprint], !health.isOut {
            let waiting = RecordedChange(pendingCount: records.count)
            for record in records { record.changes.append(waiting) }
            change = waiting
        }
        if pendingFloorCount > 0, !health.isOut {
            change = change ?? RecordedChange(pendingCount: 0)
            wait(change)
        }
        guard let slot = unsafe table.slot(of: key) else { return change }
        switch table.entries[slot].status {
        case .vacant: break
        case .queued:
            if let job = jobs[slot] {
                forget(job)
                end(job, stored: false)
            }
        case .writing:
            change = change ?? RecordedChange(pendingCount: 0)
            withdrawWriting(slot, waiting: change, in: store)
        case .stored:
            change = change ?? RecordedChange(pendingCount: 0)
            withdrawStored(slot, in: store, waiting: change)
        }
        if health.isOut { return nil }
        return change.flatMap { $0.isRecorded ? nil : $0 }
    }

    /// Lets a value that is being written be destroyed when its write has ended.
    mutating func withdrawWriting(
        _ slot: EntrySlot,
        waiting change: RecordedChange?,
        in store: DiskStore
    ) {
        guard let job = jobs[slot] else { return }
        let record = WithdrawnRecord(
            fingerprint: job.key.fingerprint,
            startUnit: job.startUnit,
            sequence: job.sequence,
            block: job.block
        )
        // The part is the destruction of the header, begun when the write has ended.
        record.pendingPartCount = 1
        wait(change, for: record)
        withdrawn[record.fingerprint, default: []].append(record)
        job.ownWithdrawal = record
        forget(job)
    }

    /// Takes a stored entry out, destroys its record's header and notes it in the journal.
    mutating func withdrawStored(_ slot: EntrySlot, in store: DiskStore, waiting change: RecordedChange?) {
        let entry = table.entries[slot]
        let record = WithdrawnRecord(
            fingerprint: table.key(of: slot).fingerprint,
            startUnit: startUnit(of: slot),
            sequence: entry.sequence,
            block: entry.block
        )
        let isRewriting = entry.isRewriting
        removeStored(slot, in: store)
        wait(change, for: record)
        withdrawn[record.fingerprint, default: []].append(record)
        journal.append(.remove(startUnit: record.startUnit, sequence: record.sequence))
        journal.waiters.append(.record(record))
        record.pendingPartCount = 2
        if isRewriting {
            // A new header is on its way, and holds the block: this one is destroyed when that has ended.
            doomed.insert(record.block)
            withdrawnWhileRewriting[record.block] = record
        } else {
            doom(record, in: store)
        }
        flushJournal(in: store)
    }

    /// Lets a change wait for the floor that is being raised.
    private mutating func wait(_ change: RecordedChange?) {
        guard let change else { return }
        change.addPart()
        floorWaiters.append(change)
    }

    private func wait(_ change: RecordedChange?, for record: WithdrawnRecord) {
        guard let change, !health.isOut else { return }
        change.addPart()
        record.changes.append(change)
    }

    /// Takes a stored entry out of index and accounting; its block is the caller's.
    mutating func removeStored(_ slot: EntrySlot, in store: DiskStore) {
        if let directory = store.lookupDirectory {
            let key = table.key(of: slot)
            actions.afterwards.append { directory.remove(key) }
        }
        indexedByteCount -= indexedRecordByteCount(of: slot)
        statistics.entryCount -= 1
        statistics.payloadByteCount -= table.entries[slot].payloadByteCount
        table.remove(slot)
    }

    /// Frees a record's block once its header is destroyed.
    mutating func doom(_ record: WithdrawnRecord, in store: DiskStore) {
        doomed.insert(record.block)
        destroyHeader(of: record, for: nil, in: store)
    }

    /// Writes over a record's header, so that nothing believes it again.
    mutating func destroyHeader(of record: WithdrawnRecord, for job: PutJob?, in store: DiskStore) {
        holds[record.block, default: 0] += 1
        if health.isOut, job == nil {
            // Nobody waits for it any more; done when the disk is back.
            record.pendingPartCount -= 1
            return retryLater(record)
        }
        actions.requests.append(
            IORequest(priority: .record) {
                let result = store.writeTombstone(at: record.startUnit)
                store.perform { $0.destructionEnded(of: record, for: job, result, in: store) }
            }
        )
    }

    private mutating func destructionEnded(
        of record: WithdrawnRecord,
        for job: PutJob?,
        _ result: Result<Void, DiskIOError>,
        in store: DiskStore
    ) {
        note(result, in: store)
        if let job {
            // One of a job's calls: it fails as a whole, and its victims are destroyed one by one.
            if case .failure = result { job.hasFailed = true }
            dropHold(record.block)
            return callEnded(of: job, in: store)
        }
        if case .failure = result {
            // The block stays in use until the header is gone.
            retryLater(record)
            return partEnded(of: record, succeeded: false, in: store)
        }
        dropHold(record.block)
        journal.append(.destroyed(startUnit: record.startUnit, sequence: record.sequence))
        partEnded(of: record, succeeded: true, in: store)
        flushJournal(in: store)
        startWrites(in: store)
    }

    /// Counts a part of a withdrawal as ended; after the last, whoever waits is told, if one has succeeded.
    mutating func partEnded(of record: WithdrawnRecord, succeeded: Bool, in store: DiskStore) {
        record.pendingPartCount -= 1
        if succeeded { record.isRecorded = true }
        guard record.pendingPartCount == 0 else { return }
        if record.isRecorded { acknowledge(record) } else { takeOut(.cannotRecord, in: store) }
        guard !record.mustRetry else { return }
        withdrawn[record.fingerprint]?.removeAll { $0 === record }
        if withdrawn[record.fingerprint]?.isEmpty ?? false { withdrawn[record.fingerprint] = nil }
    }

    /// Tells those who wait for a withdrawal.
    mutating func acknowledge(_ record: WithdrawnRecord) {
        let changes = record.changes
        record.changes = []
        guard !changes.isEmpty else { return }
        actions.afterwards.append { for change in changes { change.recordPart() } }
    }

    /// Drops one of the reasons for which a block may not be freed, and frees it after the last.
    mutating func dropHold(_ block: SegregatedFitAllocator.BlockID) {
        guard let count = holds[block] else { preconditionFailure("a block without holds") }
        holds[block] = count == 1 ? nil : count - 1
        if count == 1, doomed.remove(block) != nil { extents.free(block) }
    }
}
