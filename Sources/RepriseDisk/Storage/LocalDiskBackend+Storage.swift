public import RepriseCore

// SAFETY, whole file: references to keys are not kept beyond the calls that they are given to.

extension LocalDiskBackend {
    /// Whether a key is stored; pins it in the same step when `pinning`.
    public func contains(_ key: StorageKey, pinning: Bool) -> Bool {
        pinning ? pin(key) : unsafe key.withReference { unsafe find($0) } != nil
    }

    /// Whether a put of the key was accepted and has not ended.
    public func existsInPutTasks(_ key: StorageKey) -> Bool {
        unsafe key.withReference { key in disks.contains { unsafe $0.hasPutTask(key) } }
    }

    /// Writes an object behind; see ``StorageBackend/submitPutTask(_:_:)``.
    ///
    /// - Returns: `nil` when the object is refused: it can never fit, its key is longer than
    ///   ``keyByteCountMax``, the disk is out, or too many bytes wait to be written.
    @discardableResult
    public func submitPutTask(_ key: StorageKey, _ object: MemoryObject) -> PutTask? {
        guard object.isValid else { return nil }
        defer { start() }
        return unsafe key.withReference { unsafe submit($0, object, deadline: nil) }
    }

    /// The longest key that a disk stores, in bytes.
    public static var keyByteCountMax: Int { RecordHeader.keyByteCountMax }

    /// Starts reading a value; `nil` when the key is not stored.
    public func submitPrefetchTask(_ key: StorageKey) -> PrefetchTask? {
        let task = PrefetchTask()
        let isStored = beginLoad(key, promoting: false) { task.end($0) }
        return isStored ? task : nil
    }

    /// Reads a value; blocks until it is there.
    ///
    /// - Precondition: not called inside a Swift task; this traps there.
    public func getBlocking(_ key: StorageKey) -> MemoryObject? { load([key])[0] }

    /// Removes a key, and returns when that is recorded.
    ///
    /// - Precondition: not called inside a Swift task; this traps there.
    @discardableResult
    public func remove(_ key: StorageKey) -> Bool { submitRemoveTask(key).wait() }

    /// Removes a key; the task ends when that is recorded, with whether the key was stored.
    @discardableResult
    public func submitRemoveTask(_ key: StorageKey) -> BackendTask<Bool> {
        let task = BackendTask<Bool>()
        let removals = unsafe key.withReference { key in disks.map { unsafe $0.remove(key) } }
        let wasStored = removals.contains(where: \.wasStored)
        let change = RecordedChange(joining: removals.compactMap(\.change))
        if let change { change.whenRecorded { task.end(wasStored) } } else { task.end(wasStored) }
        return task
    }

    /// Keeps a key from being evicted until ``unpin(_:)``; counts as a use.
    public func pin(_ key: StorageKey) -> Bool {
        unsafe key.withReference { key in disks.contains { unsafe $0.pin(key) } }
    }

    /// Gives a pin back; `false` when the key is not stored or not pinned.
    @discardableResult
    public func unpin(_ key: StorageKey) -> Bool {
        unsafe key.withReference { key in disks.contains { unsafe $0.unpin(key) } }
    }

    /// The length of the longest stored prefix of `keys`; pins its entries in the same step when `pinning`.
    public func batchedContains(_ keys: [StorageKey], pinning: Bool) -> Int {
        var count = 0
        for key in keys {
            guard contains(key, pinning: pinning) else { break }
            count += 1
        }
        return count
    }

    /// Reads the values of the longest stored prefix, all at the same time.
    ///
    /// - Precondition: not called inside a Swift task; this traps there.
    public func batchedGetBlocking(_ keys: [StorageKey]) -> [MemoryObject] {
        let found = load(keys)
        let prefix = found.prefix { $0 != nil }.compactMap { $0 }
        for object in found.dropFirst(prefix.count).compactMap({ $0 }) { object.release() }
        // From tail to head, so that a prefix is evicted from its tail.
        for key in keys.prefix(prefix.count).reversed() { unsafe key.withReference { unsafe touch($0) } }
        return prefix
    }

    /// Reads values up to the first that is not stored, with the help of the calling thread; `nil` for those
    /// that could not be read, and for all from that first one on.
    private func load(_ keys: [StorageKey]) -> [MemoryObject?] {
        precondition(unsafe withUnsafeCurrentTask { unsafe $0 == nil }, "a read would block a task's thread")
        var tasks: [PrefetchTask] = []
        let begin = {
            for key in keys {
                guard let task = self.submitPrefetchTask(key) else { break }
                tasks.append(task)
            }
        }
        // Of several disks none must wait for another one's call.
        if engines.count == 1 {
            engines[0].assist(begin) { tasks.last?.hasEnded ?? true }
        } else {
            begin()
        }
        return keys.indices.map { $0 < tasks.count ? tasks[$0].wait() : nil }
    }

    /// Writes objects behind, from tail to head.
    @discardableResult
    public func batchedSubmitPutTask(_ keys: [StorageKey], _ objects: [MemoryObject]) -> [PutTask?] {
        precondition(keys.count == objects.count, "as many keys as objects")
        let tasks = keys.indices.reversed().map { submitPutTask(keys[$0], objects[$0]) }
        return tasks.reversed()
    }

    /// Counts keys as used, the first as the last.
    public func touch(_ keys: ArraySlice<StorageKey>) {
        for key in keys.reversed() { unsafe key.withReference { unsafe touch($0) } }
    }

    /// All keys, least recently used first on each disk.
    public var keys: [StorageKey] { disks.flatMap { $0.keysByUse.map(\.key) } }
}
