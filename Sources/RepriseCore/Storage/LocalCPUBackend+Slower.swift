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
        unsafe store.slower?.start()
        guard let block else { return nil }
        return MemoryObject(block: block, metadata: .plain(byteCount: byteCount))
    }

    /// Stores a value that a slower tier has read, and keeps, under its key.
    ///
    /// - Parameters:
    ///   - deadline: When it expires, in milliseconds since 1970; `nil` for never.
    ///   - isCurrent: Asked under the backend's lock: whether the value is still the key's.
    /// - Returns: `false` when it is not stored: it is not current, or the backend is closed.
    @discardableResult
    package func promote(
        _ object: MemoryObject,
        for key: StorageKey,
        deadline: Int64?,
        isCurrent: () -> Bool
    ) -> Bool {
        guard storesValues else { return false }
        var removed = RemovedEntries()
        var waiters: [@Sendable () -> Void] = []
        var publication = Publication(object: object, takesReference: false)
        publication.isPromotion = true
        publication.expiry = deadline.map { .at(milliseconds: $0) } ?? .never
        let result = unsafe key.withReference { key in
            store.lock.withLock { state -> PublishResult in
                guard isCurrent() else { return .refused }
                return unsafe state.publish(key, publication, in: store, &removed, &waiters)
            }
        }
        _ = consume removed
        for wake in waiters { wake() }
        return result == .stored || result == .wasThere
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
            removeAll()
            return nil
        }
        // Nothing that is here now may be offered once everything behind is withdrawn.
        store.lock.withLock { $0.removalCount += 1 }
        let change = slower.withdrawAll()
        removeAll()
        store.lock.withLock { $0.removalCount -= 1 }
        return change
    }

    /// The value of a key with a reference for the caller, or where it is; a use.
    package func lookUp(_ key: StorageKey) -> StoreLookup { store.lookUp(key) }

    /// Whether a value that is in memory is behind it, too, is counted once.
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
    /// Behind it: it is to be loaded first.
    case mustLoad
    /// Nowhere.
    case absent
}

extension EntryStore {
    func lookUp(_ key: StorageKey) -> StoreLookup {
        unsafe key.withReference { key in
            lock.withLock { state in
                if state.slower != nil, unsafe state.slot(of: key) == nil,
                    unsafe state.slower?.find(key) != nil
                {
                    return .mustLoad
                }
                return unsafe state.acquire(key).map { .object($0) } ?? .absent
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
