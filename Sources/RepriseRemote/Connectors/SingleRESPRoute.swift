internal import RepriseCore

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

    func close() { endpoint.close() }
}
