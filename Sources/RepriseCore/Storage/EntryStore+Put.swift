// SAFETY, whole file: objects' slots and stores are touched only under the store's lock.

extension EntryStore {
    /// Publishes an object under a key, in place of an older value.
    ///
    /// - Parameter takesReference: Whether the caller's reference becomes the index's, so that nobody but the
    ///   index holds the object afterwards; otherwise the index takes one of its own.
    /// - Returns: `false`, with nothing changed, after ``close()``, for a key over the limit, or when no
    ///   memory for the key's entry can be had.
    /// - Precondition: the object is a block of the pool's arena.
    func commit(
        _ key: StorageKey,
        _ object: MemoryObject,
        takesReference: Bool,
        endingReservationOf reserved: UInt32 = 0
    ) -> Bool {
        guard let block = object.arenaBlock else { preconditionFailure("only arena blocks are stored") }
        guard key.bytes.count <= limits.keyByteCountMax else { return false }
        var removed = RemovedEntries()
        var waiters: [@Sendable () -> Void] = []
        let result = lock.withLock { state in
            let result = state.publish(key, object, block: block, in: self, takesReference, &removed)
            if result != .refused, reserved > 0 { waiters = state.endReservation(unitCount: reserved) }
            return result
        }
        // The index had its reference already: the one that was handed over is too many.
        if result == .wasThere, takesReference { object.release() }
        for wake in waiters { wake() }
        return result != .refused
    }

    /// Removes a key; `false` when it is not stored. A value that is being read lives on until its readers
    /// let go.
    func remove(_ key: StorageKey) -> Bool {
        var removed = RemovedEntries()
        return lock.withLock { state in
            guard let slot = state.slot(of: key) else { return false }
            state.remove(slot, into: &removed, blockIsReused: false)
            return true
        }
    }

    /// Refuses further commits and removes every entry.
    func close() {
        lock.withLock { $0.isClosed = true }
        removeAll()
    }
}

extension EntryStore.State {
    /// What became of a value that was to be published.
    fileprivate enum PublishResult {
        case stored
        /// The key has this very object already.
        case wasThere
        case refused
    }

    fileprivate mutating func publish(
        _ key: StorageKey,
        _ object: MemoryObject,
        block: SegregatedFitAllocator.BlockID,
        in store: EntryStore,
        _ takesReference: Bool,
        _ removed: inout RemovedEntries
    ) -> PublishResult {
        guard !isClosed else { return .refused }
        let old = slot(of: key)
        if let old, self.object(at: old) === object {
            recommit(old)
            return .wasThere
        }
        // Another thread may have stored the same object under another key meanwhile.
        guard !object.isResident, let slot = old ?? insert(key, object, block: block) else { return .refused }
        if old != nil { replace(slot, with: object, block: block, removed: &removed) }
        object.becomeResident(in: store, at: slot, takesReference: takesReference)
        statistics.putCount += 1
        if !object.isIdle { suspend(slot) }
        store.pool.state.withLock { $0.allocator.setOwner(of: block, to: slot) }
        return .stored
    }

    /// Stores an object again under the key that it has.
    private mutating func recommit(_ slot: EntrySlot) {
        use(slot, suspending: false)
        statistics.putCount += 1
    }

    private mutating func suspend(_ slot: EntrySlot) {
        entries[slot].isSuspended = true
        evictor.suspend(slot)
    }
}

extension EntryStore {
    /// Whether an object can become the entry of a key as it is: it is no other key's entry, here or
    /// elsewhere.
    func canAdopt(_ object: MemoryObject, for key: StorageKey) -> Bool {
        lock.withLock { state in
            guard object.isResident else { return unsafe object.store == nil || object.store === self }
            return state.slot(of: key).map { state.object(at: $0) === object } ?? false
        }
    }

    /// What the store holds and has done.
    var currentStatistics: StoreStatistics {
        let bookkeeping = pool.state.withLock { $0.allocator.bookkeepingByteCount }
        return lock.withLock { state in
            var statistics = state.statistics
            statistics.reservedByteCount = Int(state.reservedUnitCount) * AllocationUnit.byteCount
            statistics.indexByteCount =
                bookkeeping + state.index.byteCount
                + state.keys.overheadByteCount(ofKeys: statistics.keyByteCount)
                + Int(state.slotHighWater) * MemoryLayout<Entry>.stride
            return statistics
        }
    }
}
