internal import RepriseCore

/// A snapshot that is being written while the disk goes on.
///
/// It holds each entry as it is when its turn comes; whatever changes meanwhile is in the journal of the same
/// number, too, which is read after it.
// Sendable: touched by one request at a time.
final class SnapshotJob: @unchecked Sendable {
    let number: UInt64
    var collected: [(lastUse: UInt64, slot: EntrySlot)] = []
    var nextSlot: EntrySlot = 0
    var nextIndex = 0
    var writer: SnapshotWriter
    let isClean: Bool

    init(number: UInt64, identity: DiskIdentity, isClean: Bool) {
        self.number = number
        self.isClean = isClean
        writer = SnapshotWriter(identity: identity, number: number)
    }
}

extension DiskStore {
    /// Lets a snapshot's next step be done.
    func continueSnapshot(_ job: SnapshotJob) {
        engine.submit(IORequest(priority: .background) { self.step(job) })
    }

    /// Does one step of a snapshot: collects entries, sorts them, or writes some.
    private func step(_ job: SnapshotJob) {
        if collect(job) { return continueSnapshot(job) }
        switch writeSome(job) {
        case .success(true): return continueSnapshot(job)
        case .success(false): perform { $0.snapshotEnded(job, .success(()), in: self) }
        case .failure(let error): perform { $0.snapshotEnded(job, .failure(error), in: self) }
        }
    }

    /// Collects a batch of entries; `false` after the last, when they are sorted.
    private func collect(_ job: SnapshotJob) -> Bool {
        guard job.nextSlot != .max else { return false }
        let isLast = state.withLock { state in
            let end = min(state.table.slotHighWater, job.nextSlot + EntrySlot(DiskLimits.batchEntryCount))
            for slot in job.nextSlot..<max(job.nextSlot, end) where state.table.isStored(slot) {
                job.collected.append((state.table.entries[slot].lastUse, slot))
            }
            job.nextSlot = end
            return end == state.table.slotHighWater
        }
        if isLast {
            job.nextSlot = .max
            job.collected.sort { $0.lastUse < $1.lastUse }
        }
        return true
    }

    /// Writes a batch of entries; `false` after the header, which makes the snapshot whole.
    private func writeSome(_ job: SnapshotJob) -> Result<Bool, DiskIOError> {
        let end = min(job.collected.count, job.nextIndex + DiskLimits.batchEntryCount)
        let isLast = end == job.collected.count
        let (openCount, sequence, floor) = state.withLock { state in
            for (_, slot) in job.collected[job.nextIndex..<end] where state.table.isStored(slot) {
                job.writer.append(state.indexedRecord(of: slot))
            }
            return (state.superblock.openCount, state.sequence, state.floor)
        }
        job.nextIndex = end
        let header =
            isLast
            ? job.writer.finish(openCount: openCount, sequence: sequence, floor: floor, isClean: job.isClean)
            : nil
        let file = files.snapshot(job.number)
        return Result { () throws(DiskIOError) in
            for block in job.writer.takeBlocks() {
                try file.writeBytes(block.bytes, at: block.offset)
            }
            guard let header else { return true }
            // The content before the header, which says that it is whole.
            try file.sync()
            try file.writeBytes(header.encoded, at: 0)
            try file.sync()
            return false
        }
    }
}

extension DiskStore.State {
    /// Begins the next journal, and a snapshot of all that was before it.
    mutating func beginCompaction(in store: DiskStore) {
        journal.isCompacting = true
        if journal.snapshotNumber == journal.number {
            // The older journal's place is free: its snapshot and the newer journal hold all there is.
            journal.number += 1
            journal.position = 0
            journal.isBroken = false
            // What the journal before tells of records that are not to be believed.
            for job in running { journal.append(.begin(startUnit: job.startUnit, sequence: job.sequence)) }
            for record in withdrawn.values.joined() {
                journal.append(.remove(startUnit: record.startUnit, sequence: record.sequence))
            }
        }
        let job = SnapshotJob(number: journal.number, identity: store.identity, isClean: false)
        actions.afterwards.append { store.continueSnapshot(job) }
    }

    fileprivate mutating func snapshotEnded(
        _ job: SnapshotJob,
        _ result: Result<Void, DiskIOError>,
        in store: DiskStore
    ) {
        note(result, in: store)
        journal.isCompacting = false
        guard case .success = result else { return }
        statistics.snapshotCount += 1
        journal.snapshotNumber = job.number
        compactIfDue(in: store)
    }
}
