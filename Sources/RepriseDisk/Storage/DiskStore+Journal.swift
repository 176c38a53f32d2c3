internal import RepriseCore

extension DiskStore {
    /// Writes what the journal has been given, on the calling thread.
    fileprivate func writeJournal() {
        guard let write = state.withLock({ $0.takeJournalWrite(in: self) }) else { return }
        let result = call { () throws(DiskIOError) in
            try write.file.writeBytes(write.bytes, at: write.position)
            if sync == .data { try write.file.sync() }
        }
        perform { $0.journalWriteEnded(write, result, in: self) }
    }
}

extension DiskStore.State {
    /// Lets the journal be written, if there is anything and nobody does it already.
    mutating func flushJournal(in store: DiskStore) {
        guard !journal.isFlushing, !health.isOut else { return }
        guard journal.batch.byteCount > 0 || !journal.waiters.isEmpty else { return }
        journal.isFlushing = true
        actions.requests.append(IORequest(priority: .record) { store.writeJournal() })
    }

    fileprivate mutating func takeJournalWrite(in store: DiskStore) -> JournalWrite? {
        let isFresh = journal.position == 0
        let header = isFresh ? journalHeader(store) : []
        let start = isFresh ? header.count : journal.position
        let byteCountMax = journal.byteCountMax - start
        let batch = journal.batch.finish(
            openCount: superblock.openCount,
            identity: store.identity,
            journalNumber: journal.number,
            position: start
        )
        journal.batch.removeAll()
        let waiters = journal.waiters
        journal.waiters = []
        let fits = batch.count <= byteCountMax
        if !fits { journal.isBroken = true }
        return JournalWrite(
            file: store.files.journal(journal.number),
            position: isFresh ? 0 : start,
            end: fits ? start + batch.count : start,
            bytes: fits ? header + batch : header,
            waiters: waiters
        )
    }

    private func journalHeader(_ store: DiskStore) -> [UInt8] {
        JournalHeader(identity: store.identity, number: journal.number, openCount: superblock.openCount)
            .encoded
    }

    fileprivate mutating func journalWriteEnded(
        _ write: JournalWrite,
        _ result: Result<Void, DiskIOError>,
        in store: DiskStore
    ) {
        note(result, in: store)
        journal.isFlushing = false
        var isRecorded = false
        if case .success = result {
            isRecorded = !journal.isBroken
            journal.position = write.end
        } else {
            journal.isBroken = true
        }
        for waiter in write.waiters { tell(waiter, isRecorded: isRecorded, in: store) }
        compactIfDue(in: store)
        flushJournal(in: store)
    }

    private mutating func tell(_ waiter: JournalWaiter, isRecorded: Bool, in store: DiskStore) {
        switch waiter {
        case .record(let record): partEnded(of: record, succeeded: isRecorded, in: store)
        case .begin(let job, let deadline): write(job, deadline: deadline, in: store)
        case .put(let job): end(job, stored: isRecorded)
        case .change(let change):
            // The header, which is rewritten too, proves the deadline also without the journal.
            actions.afterwards.append { change.recordPart() }
        }
    }

    /// Begins the next journal and its snapshot once this one is filled far enough, or has lost records.
    mutating func compactIfDue(in store: DiskStore) {
        let isFull = journal.position > journal.byteCountMax / DiskLimits.journalFillDivisor
        guard isFull || journal.isBroken, !journal.isCompacting, !health.isOut, !isClosed else { return }
        // A write to this journal that is under way ends here again.
        guard !journal.isFlushing else { return }
        beginCompaction(in: store)
    }
}
