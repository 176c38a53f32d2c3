package import RepriseCore

// SAFETY, whole file: references to keys are not kept beyond the calls that they are given to.

extension DiskStore {
    /// Takes a value as a put task; takes a reference of its own. Call ``start()`` after it.
    ///
    /// An older copy of the key is withdrawn, also when the task is dropped. The same object again, while it
    /// is on its way, is the same task.
    ///
    /// - Returns: `nil` when the task was dropped or refused.
    package func submit(_ key: KeyReference, _ object: MemoryObject, deadline: Int64?) -> PutTask? {
        state.withLock { state in
            unsafe state.submit(key, object, deadline: deadline, in: self)
        }
    }

    /// Units that a value takes, or `nil` when it can never be stored.
    func unitCount(keyByteCount: Int, payloadByteCount: Int) -> UInt32? {
        guard keyByteCount <= RecordHeader.keyByteCountMax,
            let payload = AllocationUnit.count(forByteCount: payloadByteCount)
        else { return nil }
        let count = payload + 1
        return count <= layout.unitCount - Superblock.firstRecordUnit ? count : nil
    }
}

extension DiskStore.State {
    fileprivate mutating func submit(
        _ key: KeyReference,
        _ object: MemoryObject,
        deadline: Int64?,
        in store: DiskStore
    ) -> PutTask? {
        if let job = unsafe currentJob(of: key), job.object === object {
            job.deadline = deadline
            return job.task
        }
        let older = unsafe withdraw(key, in: store)
        let keyByteCount = unsafe key.bytes.count
        guard !isClosed, !health.isOut,
            store.unitCount(keyByteCount: keyByteCount, payloadByteCount: object.byteCount) != nil
        else {
            statistics.refusedCount += 1
            return nil
        }
        let queued = queue.byteCount + object.physicalByteCount
        guard queued <= store.limits.queueByteCountMax || queue.byteCount == 0 else {
            statistics.droppedCount += 1
            return nil
        }
        guard let slot = unsafe table.insert(key, payloadByteCount: object.byteCount) else {
            statistics.refusedCount += 1
            return nil
        }
        object.retain()
        let job = PutJob(
            key: table.key(of: slot),
            object: object,
            slot: slot,
            deadline: deadline,
            engine: store.engine
        )
        job.olderChange = older
        jobs[slot] = job
        queue.append(job)
        queue.byteCount = queued
        startWrites(in: store)
        return job.task
    }

    /// The job of a key that is on its way, or `nil`.
    private func currentJob(of key: KeyReference) -> PutJob? {
        guard let slot = unsafe table.slot(of: key), table.entries[slot].status != .stored else { return nil }
        return jobs[slot]
    }

    /// Ends a job: gives its reference back and tells who waits, after the lock.
    mutating func end(_ job: PutJob, stored: Bool) {
        queue.byteCount -= job.byteCount
        let (object, task) = (job.object, job.task)
        if let older = job.olderChange {
            actions.afterwards.append {
                object.release()
                older.whenRecorded { task.end(stored) }
            }
        } else {
            actions.afterwards.append {
                object.release()
                task.end(stored)
            }
        }
    }
}
