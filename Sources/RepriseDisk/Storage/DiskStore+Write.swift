internal import RepriseCore

extension DiskStore.State {
    /// Starts as many writes as may run at a time.
    mutating func startWrites(in store: DiskStore) {
        while queue.mayStart(store.limits), !health.isOut, let job = queue.popFirst() {
            switch place(job, in: store) {
            case .placed: start(job, in: store)
            case .wait:
                queue.putBack(job)
                return
            case .refused:
                statistics.refusedCount += 1
                forget(job)
                end(job, stored: false)
            }
        }
    }

    private enum Placement { case placed, wait, refused }

    /// Finds a place for a job's record, evicting what is needed.
    private mutating func place(_ job: PutJob, in store: DiskStore) -> Placement {
        let keyByteCount = job.key.bytes.count
        guard
            let unitCount = store.unitCount(
                keyByteCount: keyByteCount,
                payloadByteCount: job.object.byteCount
            )
        else { return .refused }
        guard makeIndexRoom(IndexedRecord.byteCount(keyByteCount: keyByteCount), in: store) else {
            return .refused
        }
        job.unitCount = unitCount
        job.sequence = sequence.next
        if let block = extents.allocate(unitCount: unitCount) {
            job.block = block
        } else if let block = evict(for: job, in: store) {
            job.block = block
        } else {
            // Whatever is under way may make room when it ends.
            return holds.isEmpty && queue.runningCount == 0 ? .refused : .wait
        }
        sequence = job.sequence
        job.startUnit = extents.start(of: job.block) + Superblock.firstRecordUnit
        return .placed
    }

    /// Makes a block of the span that loses the least; its entries' records become the job's victims.
    private mutating func evict(
        for job: PutJob,
        in store: DiskStore
    ) -> SegregatedFitAllocator.BlockID? {
        searchNumber = searchNumber == .max ? 1 : searchNumber + 1
        let found = SpanPlan.find(
            unitCount: job.unitCount,
            among: table,
            searchNumber: searchNumber,
            allocator: &extents
        )
        guard let span = found else { return nil }
        var slots: [EntrySlot] = []
        var next: SegregatedFitAllocator.BlockID? = span.first
        while let block = next {
            if extents.isAllocated(block) { slots.append(extents.owner(of: block)) }
            next = block == span.last ? nil : extents.neighbour(after: block)
        }
        let victims = slots.map { (slot: $0, startUnit: startUnit(of: $0)) }
        let block = extents.replace(span, withUnitCount: span.unitCount)
        for victim in victims {
            statistics.evictionCount += 1
            bury(victim.slot, startUnit: victim.startUnit, under: job, block: block, in: store)
        }
        return block
    }

    /// Makes an evicted entry's record one that a job's write destroys.
    private mutating func bury(
        _ slot: EntrySlot,
        startUnit: UInt32,
        under job: PutJob,
        block: SegregatedFitAllocator.BlockID,
        in store: DiskStore
    ) {
        let record = WithdrawnRecord(
            fingerprint: table.key(of: slot).fingerprint,
            startUnit: startUnit,
            sequence: table.entries[slot].sequence,
            block: block
        )
        record.pendingPartCount = 1
        withdrawn[record.fingerprint, default: []].append(record)
        journal.append(.remove(startUnit: startUnit, sequence: record.sequence))
        removeStored(slot, in: store)
        job.victims.append(record)
    }

    /// Evicts until the index has room for one more record.
    private mutating func makeIndexRoom(_ byteCount: Int, in store: DiskStore) -> Bool {
        while indexedByteCount + byteCount > journal.indexByteCountMax {
            guard let victim = table.evictor.firstCandidate else { return false }
            statistics.evictionCount += 1
            withdrawStored(victim, in: store, waiting: nil)
        }
        return true
    }

    /// Submits a placed job's calls.
    private mutating func start(_ job: PutJob, in store: DiskStore) {
        queue.runningCount += 1
        queue.runningByteCount += job.byteCount
        table.entries[job.slot].status = .writing
        table.entries[job.slot].block = job.block
        table.entries[job.slot].sequence = job.sequence
        indexedByteCount += indexedRecordByteCount(of: job.slot)
        job.pendingCallCount = 1
        let end = job.startUnit + job.unitCount
        for victim in job.victims where victim.startUnit < job.startUnit || victim.startUnit >= end {
            job.pendingCallCount += 1
            destroyHeader(of: victim, for: job, in: store)
        }
        running.append(job)
        journal.append(.begin(startUnit: job.startUnit, sequence: job.sequence))
        journal.waiters.append(.begin(job, deadline: job.deadline))
        flushJournal(in: store)
    }

    /// Submits the write of a record, once the journal says where it will be.
    mutating func write(_ job: PutJob, deadline: Int64?, in store: DiskStore) {
        // Each part would wait for the device's cache to be written.
        let isDivided = store.sync == .none && job.object.isInArena
        let parts =
            isDivided
            ? RecordParts(
                unitCount: Int(job.unitCount),
                threadCount: max(1, store.limits.threadCount - 1),
                sharing: queue.runningCount,
                limits: store.limits
            ) : RecordParts(whole: Int(job.unitCount))
        job.writtenDeadline = deadline
        job.pendingCallCount += parts.count - 1
        for part in 0..<parts.count {
            actions.requests.append(
                IORequest(priority: .write, byteCount: job.byteCount / parts.count) {
                    let result = store.write(job, part: part, of: parts, deadline: deadline)
                    store.perform {
                        $0.writeEnded(job, unitCount: parts.units(of: part).count, result, in: store)
                    }
                }
            )
        }
    }

    private mutating func writeEnded(
        _ job: PutJob,
        unitCount: Int,
        _ result: Result<Void, DiskIOError>,
        in store: DiskStore
    ) {
        note(result, in: store)
        if case .failure = result {
            job.hasFailed = true
        } else {
            statistics.writtenByteCount += UInt64(unitCount) * UInt64(AllocationUnit.byteCount)
        }
        callEnded(of: job, in: store)
    }

    /// Counts one of a job's calls as ended, and settles the job after the last.
    mutating func callEnded(of job: PutJob, in store: DiskStore) {
        job.pendingCallCount -= 1
        guard job.pendingCallCount == 0 else { return }
        queue.runningCount -= 1
        queue.runningByteCount -= job.byteCount
        running.removeAll { $0 === job }
        if extents.unitCount(of: job.block) > job.unitCount, !job.hasFailed {
            extents.shrink(job.block, toUnitCount: job.unitCount)
        }
        if job.hasFailed {
            fail(job, in: store)
        } else {
            for victim in job.victims {
                journal.append(.destroyed(startUnit: victim.startUnit, sequence: victim.sequence))
                partEnded(of: victim, succeeded: true, in: store)
            }
            if let own = job.ownWithdrawal {
                // It was replaced or removed while it was being written.
                doom(own, in: store)
                end(job, stored: false)
            } else {
                publish(job, in: store)
            }
        }
        startWrites(in: store)
    }

    /// Makes a written value one that can be read.
    private mutating func publish(_ job: PutJob, in store: DiskStore) {
        jobs[job.slot] = nil
        table.entries[job.slot].status = .stored
        table.order(job.slot)
        table.setDeadline(of: job.slot, to: job.deadline)
        extents.setOwner(of: job.block, to: job.slot)
        statistics.putCount += 1
        statistics.entryCount += 1
        statistics.payloadByteCount += job.object.byteCount
        journal.append(.put(indexedRecord(of: job.slot)))
        if let directory = store.lookupDirectory {
            let key = job.key
            actions.afterwards.append { directory.insert(key) }
        }
        if store.sync == .data {
            journal.waiters.append(.put(job))
        } else {
            end(job, stored: true)
        }
        flushJournal(in: store)
        // It was changed after the header was encoded.
        if job.deadline != job.writtenDeadline { rewriteHeader(of: job.slot, in: store, waiting: nil) }
    }

    /// Gives a job up whose write failed: what its place held before, and what may stand there now, is not to
    /// be believed.
    private mutating func fail(_ job: PutJob, in store: DiskStore) {
        statistics.failedPutCount += 1
        var records = job.victims
        if let own = job.ownWithdrawal {
            records.append(own)
        } else {
            let record = WithdrawnRecord(
                fingerprint: job.key.fingerprint,
                startUnit: job.startUnit,
                sequence: job.sequence,
                block: job.block
            )
            record.pendingPartCount = 1
            withdrawn[record.fingerprint, default: []].append(record)
            records.append(record)
            forget(job)
        }
        for record in records { doom(record, in: store) }
        end(job, stored: false)
    }

    /// Forgets the entry of a job that has not become readable.
    mutating func forget(_ job: PutJob) {
        if table.entries[job.slot].status == .writing {
            indexedByteCount -= indexedRecordByteCount(of: job.slot)
        }
        jobs[job.slot] = nil
        job.isCancelled = true
        table.remove(job.slot)
    }

    /// What journal and snapshots keep of an entry.
    func indexedRecord(of slot: EntrySlot) -> IndexedRecord {
        let entry = table.entries[slot]
        return IndexedRecord(
            startUnit: startUnit(of: slot),
            sequence: entry.sequence,
            payloadByteCount: entry.payloadByteCount,
            deadline: table.deadline(of: slot),
            key: table.key(of: slot).bytes
        )
    }

    /// The first unit of an entry's record in the data file.
    func startUnit(of slot: EntrySlot) -> UInt32 {
        extents.start(of: table.entries[slot].block) + Superblock.firstRecordUnit
    }
}
