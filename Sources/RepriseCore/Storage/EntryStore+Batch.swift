// SAFETY, whole file: keys lie in the batch during the call; see StoreBatch on the objects that steps hold.

/// What a critical section leaves to be done after it.
private struct Aftermath: ~Copyable {
    var removed = RemovedEntries()
    var waiters: [@Sendable () -> Void] = []
    /// Objects that were not published, or that the index had already.
    var unpublished: [MemoryObject] = []

    /// Gives memory back, and then wakes those who wait for it.
    consuming func settle() {
        for object in unpublished { object.release() }
        let waiters = waiters
        _ = consume removed
        for wake in waiters { wake() }
    }
}

extension EntryStore {
    /// Performs the steps of a batch that have not been performed, in critical sections of bounded length.
    func perform(_ batch: inout StoreBatch) {
        batch.coldKeys.removeAll(keepingCapacity: true)
        defer { unsafe slower?.start() }
        while batch.performedCount < batch.steps.count {
            var aftermath = Aftermath()
            let mayGoOn = lock.withLock { state in
                state.performSection(&batch, in: self, &aftermath)
            }
            aftermath.settle()
            if !mayGoOn { return }
        }
    }
}

extension EntryStore.State {
    /// Performs steps up to the named limit, or as many more as must not be parted.
    ///
    /// - Returns: Whether there may be more to do: `false` when the batch may hold no more bytes.
    fileprivate mutating func performSection(
        _ batch: inout StoreBatch,
        in store: EntryStore,
        _ aftermath: inout Aftermath
    ) -> Bool {
        let start = batch.performedCount
        let limit = start + StoreLimits.batchOperationCount
        prefetch(batch.steps[start..<min(limit, batch.steps.count)])
        let keyBytes = batch.keyBytes
        return unsafe keyBytes.withUnsafeBytes { bytes in
            var index = start
            while index < batch.steps.count, index < limit || !batch.steps[index].mayYield {
                let step = batch.steps[index]
                let range = step.keyStart..<(step.keyStart + step.keyByteCount)
                let key = unsafe KeyReference(
                    bytes: UnsafeRawBufferPointer(rebasing: bytes[range]),
                    fingerprint: step.fingerprint
                )
                guard unsafe mayPerform(batch.steps[index], key, in: batch) else {
                    unsafe collectColdKeys(
                        &batch,
                        from: index,
                        bytes,
                        byteCountMax: store.pool.capacityByteCount / store.limits.loadedFractionDivisor
                    )
                    return false
                }
                guard unsafe perform(&batch.steps[index], key, &batch.allowances, in: store, &aftermath)
                else { return false }
                if !changes.isEmpty { batch.changes += takeChange().map { [$0] } ?? [] }
                index += 1
                batch.performedCount = index
            }
            return true
        }
    }

    /// Brings closer where the lookups begin, so that their waits for memory overlap.
    private func prefetch(_ steps: ArraySlice<StoreBatch.Step>) {
        for step in steps { index.prefetch(tag: KeyIndex.tag(of: step.fingerprint)) }
    }

    /// Performs one step; `false`, with nothing changed, when its value is more than may be held.
    private mutating func perform(
        _ step: inout StoreBatch.Step,
        _ key: KeyReference,
        _ allowance: inout StoreBatch.Allowances,
        in store: EntryStore,
        _ aftermath: inout Aftermath
    ) -> Bool {
        switch step.kind {
        case .query(.contains):
            if let slot = unsafe slot(of: key) {
                use(slot, suspending: false)
                step.result = 1
            } else {
                step.result = unsafe isCold(key, recordingUse: true) ? 1 : 0
            }
        case .query(.acquire):
            return unsafe acquire(&step, key, &allowance)
        case .query(let operation):
            step.result = unsafe answer(operation, key, &aftermath)
        case .put(let put):
            return unsafe publish(&step, put, key, &allowance, in: store, &aftermath)
        }
        return true
    }

    private mutating func acquire(
        _ step: inout StoreBatch.Step,
        _ key: KeyReference,
        _ allowance: inout StoreBatch.Allowances
    ) -> Bool {
        guard let slot = unsafe slot(of: key) else {
            statistics.missCount += 1
            step.result = -1
            return true
        }
        let byteCount = object(at: slot).byteCount
        guard allowance.take(byteCount) else { return false }
        statistics.hitCount += 1
        step.result = Int64(byteCount)
        unsafe step.object = .passRetained(acquire(slot))
        return true
    }

    private mutating func answer(
        _ operation: StoreBatch.Operation,
        _ key: KeyReference,
        _ aftermath: inout Aftermath
    ) -> Int64 {
        if case .remove = operation { return unsafe remove(key, into: &aftermath.removed) ? 1 : 0 }
        guard let slot = unsafe slot(of: key) else { return unsafe answerCold(operation, key) }
        switch operation {
        case .contains, .peek, .acquire, .remove: return 1
        case .byteCount:
            use(slot, suspending: false)
            return Int64(object(at: slot).byteCount)
        case .physicalByteCount: return Int64(object(at: slot).physicalByteCount)
        case .deadline: return deadline(of: slot) ?? -1
        case .persist:
            guard entries[slot].expires else { return 0 }
            schedule(slot, deadline: nil, &aftermath.waiters)
            unsafe setSlowerDeadline(key, to: nil)
            return 1
        case .setDeadline(let milliseconds, let condition):
            guard condition.holds(old: deadline(of: slot), new: milliseconds) else { return 0 }
            if milliseconds <= wallClock.nowMilliseconds {
                unsafe withdrawSlower(key)
                remove(slot, into: &aftermath.removed, blockIsReused: false)
            } else {
                schedule(slot, deadline: milliseconds, &aftermath.waiters)
                unsafe setSlowerDeadline(key, to: milliseconds)
            }
            return 1
        }
    }

    private mutating func publish(
        _ step: inout StoreBatch.Step,
        _ put: StoreBatch.Put,
        _ key: KeyReference,
        _ allowance: inout StoreBatch.Allowances,
        in store: EntryStore,
        _ aftermath: inout Aftermath
    ) -> Bool {
        guard let pending = unsafe step.object else { preconditionFailure("a put without an object") }
        var previous: MemoryObject?
        if put.wantsPrevious, let slot = unsafe slot(of: key) {
            guard allowance.take(object(at: slot).byteCount) else { return false }
            previous = acquire(slot)
        }
        // SAFETY: the step's unit of the reference count ends here.
        let object = unsafe pending.takeRetainedValue()
        unsafe step.object = previous.map { unsafe .passRetained($0) }
        let publication = Publication(
            object: object,
            takesReference: true,
            condition: put.condition,
            expiry: put.expiry,
            ignoresCold: put.wantsPrevious
        )
        let isTooLong = unsafe key.bytes.count > store.limits.keyByteCountMax
        let result =
            isTooLong
            ? .refused : unsafe publish(key, publication, in: store, &aftermath.removed, &aftermath.waiters)
        if result != .stored { aftermath.unpublished.append(object) }
        endReservation(unitCount: step.reservedUnitCount, waking: &aftermath.waiters)
        step.reservedUnitCount = 0
        step.result =
            switch result {
            case .stored, .wasThere, .expired: StoreBatch.putStored
            case .conditionFailed: StoreBatch.putConditionFailed
            case .refused: StoreBatch.putRefused
            }
        return true
    }
}

extension StoreBatch.Operation {
    var resultOfMiss: Int64 {
        switch self {
        case .contains, .peek, .remove, .setDeadline, .persist: 0
        case .byteCount, .physicalByteCount, .acquire: -1
        case .deadline: -2
        }
    }
}

extension LocalCPUBackend {
    /// Performs a batch's steps in order, with one acquisition of the lock for up to 256 of them.
    ///
    /// - Complexity: O(steps); takes the backend's lock once for each 256 steps.
    public func perform(_ batch: inout StoreBatch) { store.perform(&batch) }

    /// Up to `count` keys of the table's places from `cursor` on, and the cursor to go on with: 0 after the
    /// last place. Fewer, or none, do not mean the end.
    ///
    /// A walk from 0 to 0 meets every key that is stored all the time; others perhaps, and none twice unless
    /// it was removed and stored again.
    public func scan(from cursor: UInt64, count: Int) -> (keys: [StorageKey], next: UInt64) {
        store.scan(from: cursor, count: count)
    }

    /// Stored values, those included that have expired and whose memory is not freed yet.
    public var entryCount: Int { store.lock.withLock { $0.statistics.entryCount } }

    /// Removes every entry, here and behind; values that are being read live on until their readers let go.
    public func removeAll() { _ = removeAllRecording() }

    /// Frees the memory of what has expired; an ``ExpiryTimer`` does it all the time.
    ///
    /// - Returns: When to look again at the latest, in milliseconds since 1970; `nil` when nothing expires.
    @discardableResult
    public func removeExpired() -> Int64? { store.removeExpired() }
}
