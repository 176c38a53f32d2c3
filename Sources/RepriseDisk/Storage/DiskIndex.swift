internal import RepriseCore

/// What was found of a disk's journals and snapshots.
struct IndexReport {
    /// The highest open count met.
    var openCount: UInt32 = 0
    /// Where the journal goes on.
    var journalNumber: UInt64 = 1
    /// 0: it has no header yet.
    var journalPosition = 0
    /// The newest whole snapshot; a disk begins as if it had one of nothing, number 1.
    var snapshotNumber: UInt64 = 1
    /// Whether nothing is missing between the snapshot and the journal's end.
    var isWhole = true
    /// Whether the disk was closed in order.
    var isClean = false
    /// Records read.
    var recordCount = 0
    /// Where records may stand that are not to be believed, and which.
    var doubtful: [UInt32: [RecordSequence]] = [:]
}

extension DiskOpening {
    /// Reads the newest snapshot and the journals after it back.
    ///
    /// What cannot be read, or does not prove itself, is left out: its entries are misses.
    func readIndex(
        _ files: DiskFiles,
        _ superblock: Superblock,
        into recovery: inout DiskRecovery
    ) -> IndexReport {
        var report = IndexReport()
        let snapshot = files.snapshots.compactMap { snapshotHeader($0, superblock.identity) }
            .max { $0.number < $1.number }
        report.snapshotNumber = snapshot?.number ?? 1
        if let snapshot {
            read(snapshot, files.snapshot(snapshot.number), &recovery, &report)
        }
        let journals = files.journals.compactMap { journalHeader($0, superblock.identity) }
            .filter { $0.number >= report.snapshotNumber }.sorted { $0.number < $1.number }
        for header in journals { read(header, files.journal(header.number), &recovery, &report) }
        // Opened once more since, and closed in no order, the disk has lost what it was told then.
        let isLast = snapshot?.openCount == superblock.openCount
        report.isClean = snapshot?.isClean ?? false && isLast && journals.isEmpty && report.isWhole
        let last = journals.last?.number ?? report.snapshotNumber
        report.journalNumber = max(last, report.snapshotNumber)
        if journals.isEmpty { report.journalPosition = 0 }
        // Numbers without a gap from the snapshot's on, or none after a clean stop.
        let first = report.snapshotNumber
        let numbers = journals.map(\.number)
        let isComplete = numbers == [first] || numbers == [first, first &+ 1]
        if !report.isClean, !isComplete { report.isWhole = false }
        return report
    }

    private func snapshotHeader(_ file: any DiskFile, _ identity: DiskIdentity) -> SnapshotHeader? {
        guard let page = try? file.readBytes(AllocationUnit.byteCount, at: 0) else { return nil }
        return SnapshotHeader.decode(page.rawSpan, identity: identity)
    }

    private func journalHeader(_ file: any DiskFile, _ identity: DiskIdentity) -> JournalHeader? {
        guard let page = try? file.readBytes(AllocationUnit.byteCount, at: 0) else { return nil }
        return JournalHeader.decode(page.rawSpan, identity: identity)
    }

    private func read(
        _ header: SnapshotHeader,
        _ file: any DiskFile,
        _ recovery: inout DiskRecovery,
        _ report: inout IndexReport
    ) {
        report.openCount = max(report.openCount, header.openCount)
        recovery.floor = max(recovery.floor, header.floor)
        let byteCount = Int(clamping: header.contentByteCount)
        guard let length = try? file.byteCount(), byteCount <= length,
            let content = try? file.readBytes(byteCount, at: AllocationUnit.byteCount)
        else {
            report.isWhole = false
            return
        }
        var reader = SnapshotReader()
        reader.read(content.rawSpan, header: header) { recovery.put($0) }
        report.recordCount += reader.recordCount
        if reader.recordCount != Int(clamping: header.recordCount) { report.isWhole = false }
    }

    private func read(
        _ header: JournalHeader,
        _ file: any DiskFile,
        _ recovery: inout DiskRecovery,
        _ report: inout IndexReport
    ) {
        report.openCount = max(report.openCount, header.openCount)
        guard let length = try? file.byteCount(), let bytes = try? file.readBytes(length, at: 0) else {
            report.isWhole = false
            return
        }
        var reader = JournalReader()
        reader.read(bytes.rawSpan, header: header) { recovery.apply($0) }
        report.openCount = max(report.openCount, reader.openCount)
        report.recordCount += reader.recordCount
        report.journalPosition = reader.position
    }
}

extension DiskStore {
    /// Makes the new open count durable before anything is written, and, when the index was not whole, a
    /// snapshot of what is left of it.
    ///
    /// So it does when the loss of power has to be survived: an earlier process may have left a journal whose
    /// sync has failed. It is read back from the page cache, and never reaches the device (fsync(2)).
    func saveAfterOpening(_ index: IndexReport) throws(DiskIOError) {
        let superblock = state.withLock { $0.nextSuperblock() }
        if case .failure(let error) = write(superblock) { throw error }
        try destroyOrphans(index.doubtful)
        if !index.isWhole || sync == .data {
            let number = state.withLock { state in
                // Into the place that does not hold the newest snapshot.
                let next = max(state.journal.number, state.journal.snapshotNumber) + 1
                return next % 2 == state.journal.snapshotNumber % 2 ? next + 1 : next
            }
            try writeSnapshot(number: number, isClean: false)
        } else if index.journalNumber != index.snapshotNumber {
            perform { $0.beginCompaction(in: self) }
        }
    }

    /// Destroys the headers of records that nobody would withdraw when their keys change, because the index
    /// does not know them.
    private func destroyOrphans(_ doubtful: [UInt32: [RecordSequence]]) throws(DiskIOError) {
        for (startUnit, sequences) in doubtful.sorted(by: { $0.key < $1.key })
        where startUnit < layout.unitCount {
            let offset = Int(startUnit) * AllocationUnit.byteCount
            let page = try files.data.readBytes(AllocationUnit.byteCount, at: offset)
            let header = try? RecordHeader.decode(page.rawSpan, identity: identity, startUnit: startUnit)
            guard let header, sequences.contains(header.sequence) else { continue }
            if case .failure(let error) = writeTombstone(at: startUnit) { throw error }
        }
    }

    /// Writes a snapshot of everything at once, on the calling thread, and begins the journal after it.
    func writeSnapshot(number: UInt64, isClean: Bool) throws(DiskIOError) {
        let file = files.snapshot(number)
        let (blocks, header) = state.withLock { state in
            var writer = SnapshotWriter(identity: identity, number: number)
            for slot in state.table.slotsByUse() { writer.append(state.indexedRecord(of: slot)) }
            let header = writer.finish(
                openCount: state.superblock.openCount,
                sequence: state.sequence,
                floor: state.floor,
                isClean: isClean
            )
            return (writer.takeBlocks(), header)
        }
        for block in blocks { try file.writeBytes(block.bytes, at: block.offset) }
        try file.sync()
        try file.writeBytes(header.encoded, at: 0)
        try file.sync()
        state.withLock { state in
            state.journal.number = number
            state.journal.position = 0
            state.journal.snapshotNumber = number
            state.journal.isBroken = false
        }
    }

    /// Whether nothing is under way, so that the disk can be closed.
    package var isIdle: Bool {
        state.withLock { state in
            state.jobs.isEmpty && state.loads.isEmpty && !state.journal.isFlushing
                && (state.health.isOut || state.journal.batch.byteCount == 0)
                && !state.journal.isCompacting && (state.health.isOut || state.holds.isEmpty)
                && state.queue.runningCount == 0
        }
    }

    /// Takes no more puts, and lets what is queued be written.
    package func beginClosing() {
        perform { state in
            state.isClosed = true
            state.flushJournal(in: self)
        }
    }

    /// Saves the index, once nothing is under way; the disk is then read back from it alone.
    package func finishClosing() throws(DiskIOError) {
        let (isOut, number) = state.withLock { state in
            (state.health.isOut, max(state.journal.number, state.journal.snapshotNumber) + 1)
        }
        guard !isOut else { return }
        let snapshotNumber = state.withLock { $0.journal.snapshotNumber }
        try files.data.sync()
        try writeSnapshot(number: number % 2 == snapshotNumber % 2 ? number + 1 : number, isClean: true)
    }
}

extension DiskStore.State {
    /// Counts what was read back.
    mutating func countEntries() {
        for slot in 0..<table.slotHighWater where table.isStored(slot) {
            statistics.entryCount += 1
            statistics.payloadByteCount += table.entries[slot].payloadByteCount
            indexedByteCount += indexedRecordByteCount(of: slot)
        }
    }
}
