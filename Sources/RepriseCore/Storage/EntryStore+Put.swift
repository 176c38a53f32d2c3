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
    ) -> (isStored: Bool, change: RecordedChange?) {
        guard key.bytes.count <= limits.keyByteCountMax else { return (false, nil) }
        var removed = RemovedEntries()
        var waiters: [@Sendable () -> Void] = []
        let publication = Publication(object: object, takesReference: takesReference)
        let (result, change) = unsafe key.withReference { key in
            lock.withLock { state in
                let result = unsafe state.publish(key, publication, in: self, &removed, &waiters)
                if result != .refused, reserved > 0 {
                    state.endReservation(unitCount: reserved, waking: &waiters)
                }
                return (result, state.takeChange())
            }
        }
        unsafe slower?.start()
        // The index had its reference already: the one that was handed over is too many.
        if result == .wasThere, takesReference { object.release() }
        // First the memory: whoever is woken finds it free.
        _ = consume removed
        for wake in waiters { wake() }
        return (result != .refused, change)
    }

    /// Removes a key; `false` when it is not stored. A value that is being read lives on until its readers
    /// let go.
    func remove(_ key: StorageKey) -> (wasStored: Bool, change: RecordedChange?) {
        var removed = RemovedEntries()
        defer { unsafe slower?.start() }
        return unsafe key.withReference { key in
            lock.withLock { (unsafe $0.remove(key, into: &removed), $0.takeChange()) }
        }
    }

    /// Refuses further commits and removes every entry.
    func close() {
        lock.withLock { $0.isClosed = true }
        removeAll()
    }
}

/// A value that is to become a key's.
struct Publication {
    let object: MemoryObject
    /// Whether the caller's reference becomes the index's.
    var takesReference: Bool
    var condition = PutCondition.always
    var expiry = PutExpiry.never
    /// Whether the slower tier has the value: it keeps it, and is not offered it.
    var isPromotion = false
    /// Whether a value that the key has behind the memory counts as none: it was wanted, and could not be
    /// loaded.
    var ignoresCold = false

    /// Whether what becomes of the value depends on one that the key may have behind the memory.
    var asksForCold: Bool { (condition != .always || expiry == .kept) && !ignoresCold }
}

/// What became of a value that was to be published.
enum PublishResult {
    case stored
    /// The key has this very object already.
    case wasThere
    /// The condition does not hold.
    case conditionFailed
    /// Its time was over before it came: the key has no value now.
    case expired
    case refused
}

extension EntryStore.State {
    /// Publishes an object under a key, in place of an older value.
    mutating func publish(
        _ key: KeyReference,
        _ publication: Publication,
        in store: EntryStore,
        _ removed: inout RemovedEntries,
        _ waiters: inout [@Sendable () -> Void]
    ) -> PublishResult {
        let object = publication.object
        guard let block = object.arenaBlock else { preconditionFailure("only arena blocks are stored") }
        guard !isClosed else { return .refused }
        let old = unsafe storedSlot(of: key)
        var isHere = false
        if let old { isHere = !hasExpired(old) }
        let cold = unsafe isHere || !publication.asksForCold ? nil : slower?.find(key)
        guard publication.condition.holds(isPresent: isHere || cold != nil) else { return .conditionFailed }
        let deadline = deadline(after: publication.expiry, of: isHere ? old : nil, or: cold)
        if let deadline, deadline <= wallClock.nowMilliseconds {
            if !publication.isPromotion { unsafe withdrawSlower(key) }
            if let old { remove(old, into: &removed, blockIsReused: false) }
            return .expired
        }
        if let old, self.object(at: old) === object {
            recommit(old)
            schedule(old, deadline: deadline, &waiters)
            if !publication.isPromotion {
                unsafe withdrawSlower(key)
                unsafe offer(old, key, deadline: deadline)
            }
            return .wasThere
        }
        // Another thread may have stored the same object under another key meanwhile.
        guard !object.isResident, let slot = unsafe old ?? insert(key, object, block: block) else {
            return .refused
        }
        if old != nil { replace(slot, with: object, block: block, removed: &removed) }
        object.becomeResident(in: store, at: slot, takesReference: publication.takesReference)
        schedule(slot, deadline: deadline, &waiters)
        if publication.isPromotion {
            statistics.promotionCount += 1
        } else {
            statistics.putCount += 1
            unsafe withdrawSlower(key)
            unsafe slower?.offer(key, object, deadline: deadline)
        }
        if !object.isIdle { suspend(slot) }
        store.pool.state.withLock { $0.allocator.setOwner(of: block, to: slot) }
        return .stored
    }

    /// Removes a key; `false` when it is not stored.
    mutating func remove(_ key: KeyReference, into removed: inout RemovedEntries) -> Bool {
        let isCold = unsafe slower?.find(key) != nil
        unsafe withdrawSlower(key)
        guard let slot = unsafe storedSlot(of: key) else { return isCold }
        let isStored = isCold || !hasExpired(slot)
        remove(slot, into: &removed, blockIsReused: false)
        return isStored
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
            statistics.expiringCount = state.expiries.count
            statistics.indexByteCount =
                bookkeeping + state.index.byteCount
                + state.keys.overheadByteCount(ofKeys: statistics.keyByteCount)
                + Int(state.slotHighWater) * MemoryLayout<Entry>.stride
                + state.expiries.byteCount
            return statistics
        }
    }
}
