/// Values in host memory: an index over the blocks of one pool, bounded by the pool's capacity to the byte.
///
/// When room is needed, the entries that the evictor names first make it; with values of mixed sizes, the
/// neighbours of such an entry in the arena go with it, so that one hole becomes long enough and no more is
/// thrown out than the request and its two edges. What is to go is decided before anything goes: a request
/// that cannot succeed evicts nothing.
///
/// Entries in use or pinned are not candidates. A put of a stored key replaces its value (LMCache 0.3.1;
/// 0.5.6 ignores it); readers of the old value keep it. Lookups make an entry the most recent (0.3.1; in
/// 0.5.6 only `touch_cache` does).
///
/// - Source: LMCache `lmcache/v1/storage_backend/local_cpu_backend.py`; docs/FROM_LMCACHE.md lists the
///   choices.
public final class LocalCPUBackend: StorageBackend {
    /// The memory that the values live in.
    public let pool: MemoryPool
    /// Where values are wanted.
    public let destinationDevice: Device
    /// Whether puts store anything; otherwise the backend only lends staging memory (LMCache's `local_cpu`).
    public let storesValues: Bool
    let store: EntryStore

    /// Creates a backend on a pool of its own.
    ///
    /// - Parameters:
    ///   - evictor: Must be new, and used by no other backend.
    ///   - storesValues: LMCache's `local_cpu` setting.
    ///   - wallClock: What time it is, for values that expire.
    public init(
        pool: MemoryPool,
        evictor: sending any Evictor = LRUEvictor(),
        limits: StoreLimits = StoreLimits(),
        destinationDevice: Device = .cpu,
        storesValues: Bool = true,
        wallClock: WallClock = .system
    ) {
        self.pool = pool
        self.destinationDevice = destinationDevice
        self.storesValues = storesValues
        store = EntryStore(pool: pool, evictor: evictor, limits: limits, wallClock: wallClock)
    }

    deinit {
        store.close()
    }

    /// What the backend holds and has done.
    public var statistics: StoreStatistics { store.currentStatistics }

    /// Whether a reservation was deferred and waits for others to end.
    public var isReservationAwaited: Bool { store.isReservationAwaited }

    /// The limits the backend was made with.
    public var limits: StoreLimits { store.limits }

    /// Allocates memory for a value, evicting what is needed.
    ///
    /// - Parameter evicting: Whether stored values may go to make room.
    /// - Returns: An object with one reference, the caller's; `nil` when no room can be made, and then
    ///   nothing was evicted.
    /// - Throws: `tooLarge` or `invalidArgument` when it could never fit.
    public func allocate(
        _ metadata: MemoryObjectMetadata,
        evicting: Bool = true
    ) throws(StorageError) -> MemoryObject? {
        do throws(StorageError) {
            return try pool.allocate(metadata)
        } catch {
            guard error.code == .outOfMemory, evicting, let byteCount = metadata.tensorByteCount,
                byteCount > 0,
                let unitCount = AllocationUnit.count(forByteCount: byteCount)
            else {
                if error.code == .outOfMemory { return nil }
                throw error
            }
            var removed = RemovedEntries()
            let block = store.takeBlock(byteCount: byteCount, unitCount: unitCount, removed: &removed)
            guard let block else { return nil }
            return MemoryObject(block: block, metadata: metadata)
        }
    }

    /// Takes room for a value that is about to be received, evicting what is needed.
    ///
    /// - Parameters:
    ///   - key: The key that the value will probably be committed under, if known: where its entry will go is
    ///     brought closer meanwhile.
    ///   - whenRoomReturns: Called once, from whichever thread gives room back, if `deferred` was returned.
    /// - Complexity: O(1) when sizes are uniform; otherwise O(blocks looked at). Takes the backend's lock
    ///   once.
    public func reserve(
        for key: StorageKey? = nil,
        byteCount: Int,
        metadata: MemoryObjectMetadata,
        whenRoomReturns: @escaping @Sendable () -> Void
    ) -> ReserveOutcome {
        store.reserve(for: key, byteCount: byteCount, metadata: metadata, whenRoomReturns: whenRoomReturns)
    }

    /// Whether a key is stored, counting the question as a use: the semantics of EXIST on the wire.
    public func containsRecordingUse(_ key: StorageKey) -> Bool {
        store.contains(key, recordingUse: true)
    }

    /// Counts keys as used, the first as the last.
    public func touch(_ keys: ArraySlice<StorageKey>) {
        for key in keys.reversed() { _ = containsRecordingUse(key) }
    }

    /// Whether a key is stored; pins it in the same step when `pinning`.
    public func contains(_ key: StorageKey, pinning: Bool) -> Bool {
        pinning ? store.pin(key) : store.contains(key, recordingUse: false)
    }

    /// Always `false`: a put ends before its call returns.
    public func existsInPutTasks(_ key: StorageKey) -> Bool { false }

    /// Stores an object, in place of an older value; see ``StorageBackend/submitPutTask(_:_:)``.
    ///
    /// An object that is another pool's, another key's or a buffer is copied into a block of its own.
    ///
    /// - Returns: A task that has ended; `nil` when the object is too large, no room can be made for a copy,
    ///   or the backend stores nothing.
    @discardableResult
    public func submitPutTask(_ key: StorageKey, _ object: MemoryObject) -> PutTask? {
        guard storesValues, object.isValid, key.bytes.count <= limits.keyByteCountMax,
            object.byteCount <= limits.valueByteCountMax, let stored = storable(object, for: key)
        else { return nil }
        defer { if stored !== object { stored.release() } }
        return store.commit(key, stored, takesReference: false).isStored ? PutTask(ended: true) : nil
    }

    /// Always `nil`: values are in memory anyway.
    public func submitPrefetchTask(_ key: StorageKey) -> PrefetchTask? { nil }

    /// The value of a key with a reference for the caller, or `nil`; never blocks, and counts as a use.
    public func getBlocking(_ key: StorageKey) -> MemoryObject? { store.acquire(key) }

    /// Removes a key; readers of its value keep it.
    @discardableResult
    public func remove(_ key: StorageKey) -> Bool { store.remove(key).wasStored }

    /// Keeps a key from being evicted until ``unpin(_:)``; counts as a use.
    public func pin(_ key: StorageKey) -> Bool { store.pin(key) }

    /// Gives a pin back; `false` when the key is not stored or not pinned.
    @discardableResult
    public func unpin(_ key: StorageKey) -> Bool { store.unpin(key) }

    /// The length of the longest stored prefix, with one lock acquisition.
    public func batchedContains(_ keys: [StorageKey], pinning: Bool) -> Int {
        store.prefixLength(of: keys, pinning: pinning)
    }

    /// Which of `keys` are stored, with one lock acquisition.
    public func presence(of keys: [StorageKey]) -> [Bool] { store.presence(of: keys) }

    /// The values of the longest stored prefix, with one lock acquisition; the head ends up the most recent.
    public func batchedGetBlocking(_ keys: [StorageKey]) -> [MemoryObject] { store.acquirePrefix(of: keys) }

    /// Stores objects under the keys at the same positions, from tail to head.
    @discardableResult
    public func batchedSubmitPutTask(_ keys: [StorageKey], _ objects: [MemoryObject]) -> [PutTask?] {
        precondition(keys.count == objects.count, "as many keys as objects")
        // From tail to head, so that the head of a prefix ends up the most recent.
        let tasks = keys.indices.reversed().map { submitPutTask(keys[$0], objects[$0]) }
        return tasks.reversed()
    }

    /// All keys, least recently used first.
    public var keys: [StorageKey] { store.keys() }

    /// Lets go of every value and refuses further puts.
    public func close() { store.close() }

    /// The object itself when it is an arena block of this pool that no entry has, and otherwise a copy that
    /// is.
    private func storable(_ object: MemoryObject, for key: StorageKey) -> MemoryObject? {
        if object.pool === pool, object.arenaBlock != nil, store.canAdopt(object, for: key) { return object }
        var removed = RemovedEntries()
        guard let unitCount = AllocationUnit.count(forByteCount: object.byteCount),
            unitCount <= pool.capacityUnitCount,
            let block = store.takeBlock(
                byteCount: object.byteCount,
                unitCount: unitCount,
                removed: &removed
            )
        else { return nil }
        let copy = MemoryObject(block: block, metadata: object.metadata)
        copy.copy(from: object.bytes)
        return copy
    }
}
