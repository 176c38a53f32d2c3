internal import RepriseCore
internal import RepriseWire

/// Finds the server that has a key, among those of one store.
internal protocol RESPRoute: AnyObject {
    /// When calls give up.
    var deadline: ContinuousClock.Instant? { get set }

    /// Does something at the server that a stored key belongs to.
    ///
    /// The body may be called several times, at several servers.
    func perform<Result>(
        for storedKey: StorageKey,
        _ body: (inout RESPConnection) throws(RemoteError) -> Result
    ) throws(RemoteError) -> Result

    /// Does something at every server that keys belong to.
    func performEverywhere(_ body: (inout RESPConnection) throws(RemoteError) -> Void) throws(RemoteError)

    /// The positions of keys, together with those that belong to the same server.
    func groups(of storedKeys: [StorageKey]) -> [[Int]]

    /// Closes every connection for good.
    func close()
}

/// One server.
internal final class SingleRESPRoute: RESPRoute {
    private let endpoint: RESPEndpoint
    var deadline: ContinuousClock.Instant?

    /// - Parameter database: Which of the server's databases; only the first is there on a Reprise node.
    init(_ url: NodeURL, database: Int, _ timeouts: RemoteTimeouts) {
        endpoint = RESPEndpoint(url, timeouts) { (connection) throws(RemoteError) in
            guard database != 0 else { return }
            _ = try connection.call([Array("SELECT".utf8), Array(String(database).utf8)])
        }
    }

    func perform<Result>(
        for storedKey: StorageKey,
        _ body: (inout RESPConnection) throws(RemoteError) -> Result
    ) throws(RemoteError) -> Result {
        try endpoint.perform(until: deadline, body)
    }

    func performEverywhere(_ body: (inout RESPConnection) throws(RemoteError) -> Void) throws(RemoteError) {
        try endpoint.perform(until: deadline, body)
    }

    func groups(of storedKeys: [StorageKey]) -> [[Int]] { [Array(storedKeys.indices)] }

    func close() { endpoint.close() }
}

extension RESPValue {
    /// A string of any kind as text; `nil` for what is none.
    internal var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
}
