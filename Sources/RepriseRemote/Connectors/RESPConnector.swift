public import RepriseCore
internal import RepriseWire

/// How a value lies in a store that speaks RESP.
public enum RemoteLayout: String, CaseIterable, Sendable {
    /// One key, one record that proves itself (``RemoteRecord``); its key ends with `record`.
    case record
    /// LMCache's pair of keys: `…metadata` with 28 bytes, and `…kv_bytes`. It proves nothing.
    case lmcache

    static let recordSuffix = Array("record".utf8)
    static let metadataSuffix = Array("metadata".utf8)
    static let bytesSuffix = Array("kv_bytes".utf8)

    /// The key that says whether a value is there.
    func presenceKey(_ key: StorageKey) -> StorageKey {
        StorageKey(key.bytes + presenceSuffix)
    }

    var presenceSuffix: [UInt8] {
        switch self {
        case .record: Self.recordSuffix
        case .lmcache: Self.metadataSuffix
        }
    }
}

/// A store that speaks RESP: Redis, Valkey, a cluster of them, or a Reprise node.
///
/// - Source: LMCache `lmcache/v1/storage_backend/connector/redis_connector.py`; docs/REMOTE.md.
public final class RESPConnector: RemoteConnector {
    private let route: any RESPRoute
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

    /// Asks whether every server answers.
    public func ping() throws(RemoteError) {
        try route.performEverywhere { (stream) throws(RemoteError) in try stream.ping() }
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
        var keys: [StorageKey] = []
        let suffix = layout.presenceSuffix
        try route.performEverywhere { (stream) throws(RemoteError) in
            for stored in try stream.list() where stored.bytes.count > suffix.count {
                guard stored.bytes.suffix(suffix.count).elementsEqual(suffix) else { continue }
                keys.append(StorageKey(Array(stored.bytes.dropLast(suffix.count))))
            }
        }
        return keys
    }

    /// Closes the connections for good.
    public func close() { route.close() }
}

// LMCache's pair of keys.
extension RESPConnector {
    private func getPair(
        _ key: StorageKey,
        _ allocate: RemoteAllocation
    ) throws(RemoteError) -> RemoteValue {
        let metadataKey = layout.presenceKey(key)
        let bytesKey = StorageKey(key.bytes + RemoteLayout.bytesSuffix)
        let described = try route.perform(for: metadataKey) { (stream) throws(RemoteError) in
            try stream.getBytes(metadataKey, limit: RemoteMetadata.byteCount(groupCount: 1))
        }
        guard let described else { return .absent }
        guard let remote = try? RemoteMetadata.decode(described.rawSpan),
            described.count == RemoteMetadata.byteCount(groupCount: 1)
        else { return .corrupt }
        let metadata = remote.objectMetadata
        let value = try route.perform(for: bytesKey) { (stream) throws(RemoteError) in
            try stream.getObject(bytesKey, byteCount: remote.payloadByteCount, metadata, allocate)
        }
        // Half of a pair is what eviction may leave; the next lookup is not to find it.
        if case .absent = value {
            _ = try route.perform(for: metadataKey) { (stream) throws(RemoteError) in
                try stream.remove(metadataKey)
            }
        }
        return value
    }

    private func putPair(_ key: StorageKey, _ object: MemoryObject) throws(RemoteError) {
        let metadataKey = layout.presenceKey(key)
        let bytesKey = StorageKey(key.bytes + RemoteLayout.bytesSuffix)
        let described: [UInt8]
        do throws(WireError) {
            described = try RemoteMetadata(object).encoded()
        } catch {
            throw RemoteError(.invalidArgument, error.message)
        }
        // The bytes first: whoever finds the metadata finds them, too.
        try route.perform(for: bytesKey) { (stream) throws(RemoteError) in
            let bytes = object.bytes
            try stream.put(bytesKey, bytes)
        }
        try route.perform(for: metadataKey) { (stream) throws(RemoteError) in
            let bytes = described
            try stream.put(metadataKey, bytes.rawSpan)
        }
    }
}

extension RemoteMetadata {
    /// What stands beside, or in front of, an object's bytes.
    init(_ object: MemoryObject) {
        let metadata = object.metadata
        let format = metadata.format ?? .binaryBuffer
        let dimensions = Array(metadata.shape.dimensions)
        self.init(
            payloadByteCount: object.byteCount,
            format: format,
            groups: [Group(dtype: metadata.dtype, shape: TensorShape(dimensions))]
        )
    }

    /// The same for an object in memory.
    var objectMetadata: MemoryObjectMetadata {
        guard format != .binaryBuffer, let group = groups.first else {
            return .plain(byteCount: payloadByteCount)
        }
        return MemoryObjectMetadata(shape: group.shape, dtype: group.dtype, format: format)
    }
}
