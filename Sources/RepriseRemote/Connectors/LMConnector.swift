public import RepriseCore
public import RepriseWire

/// A server that speaks `lm://`: LMCache's own, or a Reprise node.
///
/// - Source: LMCache `lmcache/v1/storage_backend/connector/lm_connector.py`; docs/WIRE_LM.md § 6.
public final class LMConnector: RemoteConnector {
    private var stream: Reconnecting<LMConnection>

    /// Describes a server; nothing is connected yet.
    ///
    /// - Parameter asPeer: Whether a node asks another one, which answers from what it has itself.
    /// - Precondition: the URL's protocol is lm.
    public init(
        _ url: NodeURL,
        dialect: LMDialect = .current,
        timeouts: RemoteTimeouts = RemoteTimeouts(),
        asPeer: Bool = false
    ) {
        precondition(url.wire == .lm, "\(url) is not spoken to over lm")
        stream = Reconnecting { () throws(RemoteError) in
            try LMConnection(connectingTo: url, dialect: dialect, timeouts: timeouts, asPeer: asPeer)
        }
    }

    /// When the calls that follow give up.
    public var deadline: ContinuousClock.Instant? {
        get { stream.deadline }
        set { stream.deadline = newValue }
    }

    /// Asks whether the server answers.
    public func ping() throws(RemoteError) {
        try stream.perform { (stream) throws(RemoteError) in try stream.ping() }
    }

    /// Whether each key is stored, in one round trip.
    public func exists(_ keys: [StorageKey]) throws(RemoteError) -> [Bool] {
        try stream.perform { (stream) throws(RemoteError) in try stream.exists(keys) }
    }

    /// Fetches a value straight into its memory.
    public func get(_ key: StorageKey, _ allocate: RemoteAllocation) throws(RemoteError) -> RemoteValue {
        try stream.perform { (stream) throws(RemoteError) in try stream.get(key, allocate) }
    }

    /// Fetches values straight into their memory; all are asked for before the first has come.
    public func get(
        _ keys: [StorageKey],
        _ allocate: RemoteAllocation,
        onValue: (_ index: Int, _ value: RemoteValue) -> Void
    ) throws(RemoteError) {
        var doneCount = 0
        // A connection that the peer has closed is made anew; what has come is not asked for again.
        while doneCount < keys.count {
            try stream.perform { (stream) throws(RemoteError) in
                let start = doneCount
                try stream.get(Array(keys[start...]), allocate) { index, value in
                    doneCount = start + index + 1
                    onValue(start + index, value)
                }
            }
        }
    }

    /// Stores a value from where it lies; asks behind it whether the server has it.
    public func put(_ key: StorageKey, _ object: MemoryObject) throws(RemoteError) {
        try stream.perform { (stream) throws(RemoteError) in try stream.put(key, object) }
    }

    /// Removes a key; LMCache's own server cannot, which is `rejected`.
    public func remove(_ key: StorageKey) throws(RemoteError) -> Bool {
        do throws(RemoteError) {
            return try stream.perform { (stream) throws(RemoteError) in try stream.remove(key) }
        } catch  where error.code == .closed && !stream.isClosed {
            throw RemoteError(.rejected, error.message)
        }
    }

    /// All keys; LMCache's own server never answers.
    public func list() throws(RemoteError) -> [StorageKey] {
        try stream.perform { (stream) throws(RemoteError) in try stream.list() }
    }

    /// Closes the connection for good.
    public func close() { stream.close() }
}
