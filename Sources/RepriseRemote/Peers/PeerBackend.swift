public import RepriseCore

/// Values that other nodes have: a lookup directory says which, and they come from there over a few
/// connections that are kept.
///
/// It stores nothing: puts are refused, and removals find nothing. What the directory says is a hint: a key
/// that it knows counts as found, and may turn out to be gone. Nodes answer from what they have themselves,
/// so that no question goes round in circles. Keys over 150 bytes, which lm cannot carry, are not found.
///
/// - Source: LMCache `lmcache/v1/storage_backend/naive_p2p.py` (`NaiveDistributedServer`), which makes a
///   connection for each chunk and closes none.
public final class PeerBackend: StorageBackend {
    /// Where values are wanted.
    public let destinationDevice: Device
    /// The limits that the backend was made with.
    public let limits: PeerLimits
    /// Who has what.
    public let directory: any LookupDirectory
    private let connections: PeerConnections
    private let counts = Lock(PeerStatistics())

    /// Creates a backend; connections are made when they are needed.
    ///
    /// - Parameters:
    ///   - memory: Lends memory for what is fetched.
    ///   - directory: This node's view of who has what; it stays the caller's to close.
    public init(
        memory: LocalCPUBackend,
        directory: any LookupDirectory,
        limits: PeerLimits = PeerLimits()
    ) {
        self.directory = directory
        self.limits = limits
        destinationDevice = memory.destinationDevice
        connections = PeerConnections(memory: memory, limits: limits)
    }

    deinit {
        // Perhaps on a connection's own thread, which cannot wait for itself.
        Thread(name: "reprise-close") { [connections] in connections.close() }.detach()
    }

    /// What was fetched.
    public var statistics: PeerStatistics { counts.withLock { $0 } }

    /// Fetches a value from one of those that have it.
    ///
    /// - Parameter completion: Called once, from any thread, with the object and a reference for the callee;
    ///   `nil` when it cannot be had.
    package func fetch(_ key: StorageKey, completion: @escaping @Sendable (MemoryObject?) -> Void) {
        directory.findHolders(of: [key]) { [weak self] found in
            guard let self, let holders = found.first, !holders.isEmpty else {
                self?.counts.withLock { $0.missCount += 1 }
                return completion(nil)
            }
            fetch(key, from: holders, completion)
        }
    }

    /// Asks holders one after the other; which comes first is left to chance, so that all share the load.
    private func fetch(
        _ key: StorageKey,
        from holders: [KeyHolder],
        _ completion: @escaping @Sendable (MemoryObject?) -> Void
    ) {
        ask(Array(holders.shuffled().prefix(limits.holderCountMax)), key, completion)
    }

    private func ask(
        _ holders: [KeyHolder],
        _ key: StorageKey,
        _ completion: @escaping @Sendable (MemoryObject?) -> Void
    ) {
        guard let first = holders.first, let peer = connections.backend(to: first) else {
            return completion(nil)
        }
        peer.fetch(key) { [weak self] object in
            self?.counts.withLock { $0.count(object) }
            if object != nil { return completion(object) }
            guard let self else { return completion(nil) }
            ask(Array(holders.dropFirst()), key, completion)
        }
    }

    /// Whether somebody is said to have a key.
    public func contains(_ key: StorageKey, pinning: Bool) -> Bool { batchedContains([key]) == 1 }

    /// How many keys, from the first on, somebody is said to have; one round trip.
    public func batchedContains(_ keys: [StorageKey], pinning: Bool) -> Int {
        let holders = directory.holders(of: keys)
        return holders.firstIndex(where: \.isEmpty) ?? keys.count
    }

    /// `false`: nothing is put.
    public func existsInPutTasks(_ key: StorageKey) -> Bool { false }

    /// Refuses.
    public func submitPutTask(_ key: StorageKey, _ object: MemoryObject) -> PutTask? { nil }

    /// Refuses.
    public func batchedSubmitPutTask(_ keys: [StorageKey], _ objects: [MemoryObject]) -> [PutTask?] {
        precondition(keys.count == objects.count, "as many keys as objects")
        return [PutTask?](repeating: nil, count: keys.count)
    }

    /// Starts fetching a value.
    public func submitPrefetchTask(_ key: StorageKey) -> PrefetchTask? {
        let task = PrefetchTask()
        fetch(key) { task.end($0) }
        return task
    }

    /// Fetches a value; blocks until it is there.
    ///
    /// - Precondition: not called inside a Swift task; this traps there.
    public func getBlocking(_ key: StorageKey) -> MemoryObject? { batchedGetBlocking([key]).first }

    /// Fetches the values of the longest prefix of `keys` that can be had: one lookup for all of them, and
    /// then all at the same time.
    ///
    /// - Precondition: not called inside a Swift task; this traps there.
    public func batchedGetBlocking(_ keys: [StorageKey]) -> [MemoryObject] {
        let holders = directory.holders(of: keys)
        let count = holders.firstIndex(where: \.isEmpty) ?? keys.count
        if count < keys.count { counts.withLock { $0.missCount += 1 } }
        let tasks = (0..<count).map { index in
            let task = PrefetchTask()
            fetch(keys[index], from: holders[index]) { task.end($0) }
            return task
        }
        let found = tasks.map { $0.wait() }
        let prefix = found.prefix { $0 != nil }.compactMap { $0 }
        for object in found.dropFirst(prefix.count).compactMap({ $0 }) { object.release() }
        return prefix
    }

    /// `false`: what others have is theirs.
    public func remove(_ key: StorageKey) -> Bool { false }

    /// Whether somebody is said to have a key; nothing keeps it there.
    public func pin(_ key: StorageKey) -> Bool { contains(key) }

    /// `false`: nothing is pinned.
    public func unpin(_ key: StorageKey) -> Bool { false }

    /// None: a directory does not say what there is.
    public var keys: [StorageKey] { [] }

    /// Ends the connections; calling it again does nothing.
    public func close() { connections.close() }
}

extension PeerStatistics {
    fileprivate mutating func count(_ object: MemoryObject?) {
        guard let object else { return staleCount += 1 }
        hitCount += 1
        readByteCount += UInt64(object.byteCount)
    }
}
