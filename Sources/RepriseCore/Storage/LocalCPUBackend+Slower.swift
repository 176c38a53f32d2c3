// SAFETY, whole file: references to keys are not kept beyond the closures that they are given to.

/// What a slower backend asks of the memory in front of it.
extension LocalCPUBackend {
    /// Puts a slower tier behind the memory; once, before anything is stored.
    package func attach(_ slower: any SlowerTier) { store.attach(slower) }

    /// Memory for a value that is about to be read, evicting what is needed; `nil` when none can be had, or
    /// values that are being read have their share of the memory already.
    ///
    /// The object has one reference, the caller's; it is described when it is known what it is.
    package func allocateForLoad(byteCount: Int) -> MemoryObject? {
        guard let unitCount = AllocationUnit.count(forByteCount: byteCount),
            unitCount <= pool.capacityUnitCount
        else { return nil }
        var removed = RemovedEntries()
        let block = store.takeBlock(byteCount: byteCount, unitCount: unitCount, removed: &removed)
        guard let block else { return nil }
        return MemoryObject(block: block, metadata: .plain(byteCount: byteCount))
    }

    /// Stores a value that a slower tier has read, and keeps, under its key; it expires when the tier's does.
    ///
    /// - Parameter isCurrent: Asked under the backend's lock: whether the value is still the key's.
    /// - Returns: `false` when it is not stored: it is not current, the key's value has come into memory
    ///   already, or the backend is closed.
    @discardableResult
    package func promote(_ object: MemoryObject, for key: StorageKey, isCurrent: () -> Bool) -> Bool {
        guard storesValues else { return false }
        var removed = RemovedEntries()
        var waiters: [@Sendable () -> Void] = []
        let result = unsafe key.withReference { key in
            store.lock.withLock { state -> PublishResult in
                // The deadline may have been changed since the read began: the tier's is the key's.
                guard unsafe state.slot(of: key) == nil, isCurrent(),
                    let entry = unsafe state.slower?.find(key)
                else { return .refused }
                var publication = Publication(object: object, takesReference: false)
                publication.isPromotion = true
                publication.expiry = entry.deadline.map { .at(milliseconds: $0) } ?? .never
                return unsafe state.publish(key, publication, in: store, &removed, &waiters)
            }
        }
        _ = consume removed
        for wake in waiters { wake() }
        return result == .stored
    }
}

extension LocalCPUBackend {
    /// Removes a key; says whether it was stored, here or behind, and what is to be recorded before that is
    /// acknowledged.
    package func removeRecording(_ key: StorageKey) -> (wasStored: Bool, change: RecordedChange?) {
        store.remove(key)
    }

    /// Removes every entry, here and behind; says what is to be recorded before that is acknowledged.
    package func removeAllRecording() -> RecordedChange? {
        guard let slower else {
            store.removeAll()
            return nil
        }
        // Nothing that is here now may be offered once everything behind is withdrawn.
        store.lock.withLock { $0.removalCount += 1 }
        let change = slower.withdrawAll()
        store.removeAll()
        store.lock.withLock { $0.removalCount -= 1 }
        return change
    }

    /// Lets an entry go whose value is in use, as eviction would; what is behind keeps its copy, and whoever
    /// holds the value keeps the memory.
    ///
    /// - Returns: `false` when the key has another value, or none.
    @discardableResult
    package func evict(_ key: StorageKey, holding object: MemoryObject) -> Bool {
        var removed = RemovedEntries()
        return store.lock.withLock { state in
            guard let slot = state.slot(of: key), state.object(at: slot) === object else { return false }
            state.statistics.evictionCount += 1
            state.statistics.evictedByteCount += UInt64(object.physicalByteCount)
            state.remove(slot, into: &removed, blockIsReused: false)
            return true
        }
    }

    /// The value of a key with a reference for the caller, or where it is; a use.
    ///
    /// - Parameter asksElsewhere: Whether a key that is not stored here, and may be elsewhere, is to be
    ///   loaded.
    package func lookUp(_ key: StorageKey, asksElsewhere: Bool = false) -> StoreLookup {
        store.lookUp(key, asksElsewhere)
    }

    /// What is behind the memory.
    package var slower: (any SlowerTier)? { unsafe store.slower }

    /// Whether a key is stored in memory; not a use.
    package func isInMemory(_ key: StorageKey) -> Bool {
        store.lock.withLock { $0.slot(of: key) != nil }
    }
}

/// Where a key's value is.
package enum StoreLookup: Sendable {
    /// In memory, with a reference for the caller.
    case object(MemoryObject)
    /// Behind it: its bytes are to be loaded first.
    case mustLoad(byteCount: Int)
    /// Nowhere.
    case absent
}

extension EntryStore {
    func lookUp(_ key: StorageKey, _ asksElsewhere: Bool) -> StoreLookup {
        unsafe key.withReference { key in
            lock.withLock { state in
                guard let slower = state.slower, unsafe state.slot(of: key) == nil else {
                    return unsafe state.acquire(key).map { .object($0) } ?? .absent
                }
                if let entry = unsafe slower.find(key) { return .mustLoad(byteCount: entry.byteCount) }
                guard unsafe asksElsewhere && slower.mayBeElsewhere(key) else {
                    return unsafe state.acquire(key).map { .object($0) } ?? .absent
                }
                return .mustLoad(byteCount: 0)
            }
        }
    }

    /// Puts a slower tier behind the store.
    func attach(_ slower: any SlowerTier) {
        precondition(unsafe self.slower == nil, "a store has one slower tier")
        unsafe self.slower = slower
        lock.withLock { $0.slower = slower }
    }
}
