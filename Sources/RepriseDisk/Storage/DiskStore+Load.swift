package import RepriseCore

// SAFETY, whole file: references to keys are not kept beyond the calls that they are given to.

extension DiskStore {
    /// How a load begins.
    package enum LoadStart {
        /// The key is not stored.
        case absent
        /// Another load of the same record serves the caller, too.
        case joined
        /// The caller gives the load memory and starts it with ``read(_:into:promoting:)``, or gives it up
        /// with ``giveUp(_:)``.
        case begun(LoadTicket)
    }

    /// A load that has begun.
    package struct LoadTicket: Sendable {
        let job: LoadJob
        /// Bytes of the value.
        package var byteCount: Int { job.payloadByteCount }
        /// The key whose value is loaded.
        package var key: StorageKey { job.key }
        /// When it expires, in milliseconds since 1970; `nil` for never.
        package var deadline: Int64? { job.deadline }
    }

    /// Begins to load a key's value, or joins those who wait for it already; a use.
    package func beginLoad(
        _ key: KeyReference,
        promoting: Bool,
        completion: @escaping @Sendable (MemoryObject?) -> Void
    ) -> LoadStart {
        state.withLock { state in
            guard let slot = unsafe state.readableSlot(of: key, now: wallClock) else { return .absent }
            state.table.use(slot)
            let entry = state.table.entries[slot]
            if let job = state.loads[entry.sequence] {
                job.completions.append(completion)
                if promoting { job.promotes = true }
                return .joined
            }
            let job = LoadJob(
                key: state.table.key(of: slot),
                slot: slot,
                entry: entry,
                startUnit: state.startUnit(of: slot),
                deadline: state.table.deadline(of: slot),
                parts: RecordParts(
                    unitCount: Int(AllocationUnit.count(forByteCount: entry.payloadByteCount) ?? 0) + 1,
                    threadCount: limits.threadCount,
                    sharing: state.loads.count + 1,
                    limits: limits
                )
            )
            job.completions = [completion]
            job.promotes = promoting
            state.loads[entry.sequence] = job
            state.holds[entry.block, default: 0] += 1
            state.table.entries[slot].readerCount += 1
            state.table.updateSuspension(slot)
            return .begun(LoadTicket(job: job))
        }
    }

    /// Reads a value into an object and hands it to everybody who waits for it.
    ///
    /// - Parameter promoting: Called with the proven object, before those who wait; may store it elsewhere,
    ///   as long as ``isCurrent(_:)`` says so.
    package func read(
        _ ticket: LoadTicket,
        into object: MemoryObject,
        promoting: @escaping @Sendable (MemoryObject) -> Void
    ) {
        let job = ticket.job
        for part in 0..<job.parts.count {
            engine.submit(
                IORequest(priority: .read, byteCount: object.physicalByteCount / job.parts.count) { [self] in
                    let result = read(job, part: part, into: object)
                    let whole = state.withLock { _ in job.end(part: part, result) }
                    guard let whole else { return }
                    let proven = prove(whole, job, object)
                    if case .success = proven, state.withLock({ _ in job.promotes }) { promoting(object) }
                    end(job, object, proven)
                }
            )
        }
    }

    /// Ends a load for which no memory could be had.
    package func giveUp(_ ticket: LoadTicket) { end(ticket.job, nil, .success(())) }

    /// Whether a record that was read is still its key's value.
    package func isCurrent(_ ticket: LoadTicket) -> Bool {
        state.withLock { $0.isCurrent(ticket.job, now: wallClock) }
    }

    private func end(_ job: LoadJob, _ object: MemoryObject?, _ result: Result<Void, LoadFailure>) {
        let (completions, isGood) = perform { state in
            let isGood = state.loadEnded(job, result, in: self)
            return (job.completions, isGood && object != nil)
        }
        for completion in completions {
            if isGood { object?.retain() }
            completion(isGood ? object : nil)
        }
        object?.release()
    }
}

extension LoadJob {
    /// Takes what a part has come to; after the last, what all have.
    fileprivate func end(
        part: Int,
        _ result: Result<(checksum: UInt32, header: RecordHeader?), LoadFailure>
    ) -> LoadedParts? {
        switch result {
        case .success(let read):
            loaded.checksums[part] = read.checksum
            if let header = read.header { loaded.header = header }
        case .failure(let failure):
            loaded.failure = loaded.failure ?? failure
        }
        pendingPartCount -= 1
        return pendingPartCount == 0 ? loaded : nil
    }
}

/// Why a record could not be read.
enum LoadFailure: Error {
    /// What was read does not prove itself.
    case fault(RecordFault)
    /// A call failed.
    case call(DiskIOError)
}

extension DiskStore.State {
    func isCurrent(_ job: LoadJob, now clock: WallClock) -> Bool {
        !health.isOut && table.entries[job.slot].sequence == job.sequence
            && isReadable(job.slot, now: clock)
    }

    /// Settles a read; says whether its value may be handed out.
    fileprivate mutating func loadEnded(
        _ job: LoadJob,
        _ result: Result<Void, LoadFailure>,
        in store: DiskStore
    ) -> Bool {
        loads[job.sequence] = nil
        let isThere = table.isStored(job.slot) && table.entries[job.slot].sequence == job.sequence
        if isThere {
            table.entries[job.slot].readerCount -= 1
            table.updateSuspension(job.slot)
        }
        dropHold(job.block)
        defer { startWrites(in: store) }
        switch result {
        case .success:
            note(.success(()), in: store)
            guard isCurrent(job, now: store.wallClock) else { return false }
            statistics.hitCount += 1
            statistics.readByteCount += UInt64(job.parts.unitCount) * UInt64(AllocationUnit.byteCount)
            return true
        case .failure(let failure):
            count(failure, in: store)
            // The next put of the key repairs it.
            if isThere, !health.isOut { withdrawStored(job.slot, in: store, waiting: nil) }
            return false
        }
    }

    private mutating func count(_ failure: LoadFailure, in store: DiskStore) {
        switch failure {
        case .fault(let fault):
            statistics.faults[fault, default: 0] += 1
        case .call(let error):
            statistics.faults[.ioError, default: 0] += 1
            note(.failure(error), in: store)
        }
    }
}
