public import RepriseCore
internal import RepriseWire

/// A store that speaks RESP: Redis, Valkey, a cluster of them, or a Reprise node.
///
/// - Source: LMCache `lmcache/v1/storage_backend/connector/redis_connector.py`; docs/REMOTE.md.
public final class RESPConnector: RemoteConnector {
    internal let route: any RESPRoute
    /// How values lie in the store.
    public let layout: RemoteLayout

    /// The largest value that such a store takes, what proves it included: Redis' `proto-max-bulk-len`.
    public static let valueByteCountMax = 512 << 20

    /// One server.
    ///
    /// - Precondition: the URL's protocol is RESP.
    public convenience init(
        _ url: NodeURL,
        database: Int = 0,
        layout: RemoteLayout = .record,
        timeouts: RemoteTimeouts = RemoteTimeouts()
    ) {
        precondition(url.wire == .resp, "\(url) is not spoken to over RESP")
        self.init(SingleRESPRoute(url, database: database, timeouts), layout)
    }

    /// The master that sentinels name.
    ///
    /// - Parameter serviceName: The name by which the sentinels watch it.
    public convenience init(
        sentinels: [NodeURL],
        serviceName: String,
        credentials: NodeCredentials? = nil,
        layout: RemoteLayout = .record,
        timeouts: RemoteTimeouts = RemoteTimeouts()
    ) {
        self.init(
            SentinelRESPRoute(sentinels, serviceName: serviceName, credentials: credentials, timeouts),
            layout
        )
    }

    /// A cluster of which some nodes are known.
    public convenience init(
        cluster seeds: [NodeURL],
        credentials: NodeCredentials? = nil,
        layout: RemoteLayout = .record,
        timeouts: RemoteTimeouts = RemoteTimeouts()
    ) {
        let seeds = seeds.map { $0.with(credentials) }
        self.init(ClusterRESPRoute(seeds, credentials: credentials, timeouts), layout)
    }

    init(_ route: any RESPRoute, _ layout: RemoteLayout) {
        self.route = route
        self.layout = layout
    }

    /// When the calls that follow give up.
    public var deadline: ContinuousClock.Instant? {
        get { route.deadline }
        set { route.deadline = newValue }
    }

    /// Asks whether a server answers; of a cluster one is enough.
    public func ping() throws(RemoteError) {
        try route.performAnywhere { (stream) throws(RemoteError) in try stream.ping() }
    }

    /// Whether each key is stored, in one round trip to each server.
    public func exists(_ keys: [StorageKey]) throws(RemoteError) -> [Bool] {
        let stored = keys.map(layout.presenceKey)
        var found = [Bool](repeating: false, count: keys.count)
        for group in route.groups(of: stored) where !group.isEmpty {
            let keys = group.map { stored[$0] }
            var answers = try exists(together: keys)
            if answers == nil { answers = try existsOneByOne(keys) }
            for (position, answer) in zip(group, answers ?? []) { found[position] = answer }
        }
        return found
    }

    /// Asks for keys of one server; `nil` when it has sent us to another one for some of them.
    private func exists(together stored: [StorageKey]) throws(RemoteError) -> [Bool]? {
        try route.perform(for: stored[0]) { (stream) throws(RemoteError) -> [Bool]? in
            var found = [Bool](repeating: false, count: stored.count)
            var scratch = TransferBuffer(byteCapacity: 0)
            do throws(RemoteError) {
                try stream.pipeline(.exist, stored, into: &scratch) { index, isHit, _ in
                    found[index] = isHit
                }
            } catch  where error.hasPrefix("MOVED", "ASK", "TRYAGAIN") {
                return nil
            }
            return found
        }
    }

    private func existsOneByOne(_ stored: [StorageKey]) throws(RemoteError) -> [Bool] {
        var found: [Bool] = []
        for key in stored {
            found.append(
                try route.perform(for: key) { (stream) throws(RemoteError) in try stream.exists(key) }
            )
        }
        return found
    }

    /// Fetches a value straight into its memory.
    public func get(_ key: StorageKey, _ allocate: RemoteAllocation) throws(RemoteError) -> RemoteValue {
        switch layout {
        case .record:
            let stored = layout.presenceKey(key)
            return try route.perform(for: stored) { (stream) throws(RemoteError) in
                try stream.getRecord(stored, key: key, allocate)
            }
        case .lmcache: return try getPair(key, allocate)
        }
    }

    /// Stores a value from where it lies.
    public func put(_ key: StorageKey, _ object: MemoryObject) throws(RemoteError) {
        guard object.byteCount <= Self.valueByteCountMax - RESPConnection.keyByteCountMax else {
            throw RemoteError(
                .invalidArgument,
                "a value of \(object.byteCount) bytes; such stores take \(Self.valueByteCountMax)"
            )
        }
        switch layout {
        case .record:
            let stored = layout.presenceKey(key)
            try route.perform(for: stored) { (stream) throws(RemoteError) in
                try stream.putRecord(stored, key: key, object)
            }
        case .lmcache: try putPair(key, object)
        }
    }

    /// Removes a key.
    public func remove(_ key: StorageKey) throws(RemoteError) -> Bool {
        let stored = layout.presenceKey(key)
        let wasStored = try route.perform(for: stored) { (stream) throws(RemoteError) in
            try stream.remove(stored)
        }
        if layout == .lmcache {
            let bytes = StorageKey(key.bytes + RemoteLayout.bytesSuffix)
            _ = try route.perform(for: bytes) { (stream) throws(RemoteError) in try stream.remove(bytes) }
        }
        return wasStored
    }

    /// All keys that lie in the store in this layout.
    public func list() throws(RemoteError) -> [StorageKey] {
        // A key that moves may be at two servers.
        var keys: Set<StorageKey> = []
        let suffix = layout.presenceSuffix
        try route.performEverywhere { (stream) throws(RemoteError) in
            for stored in try stream.list() where stored.bytes.count > suffix.count {
                guard stored.bytes.suffix(suffix.count).elementsEqual(suffix) else { continue }
                keys.insert(StorageKey(Array(stored.bytes.dropLast(suffix.count))))
            }
        }
        return Array(keys)
    }

    /// Closes the connections for good.
    public func close() { route.close() }
}
