internal import RepriseCore
internal import RepriseWire

/// One server that speaks RESP, with a connection that is made when it is needed.
internal final class RESPEndpoint {
    /// Where it is.
    let url: NodeURL
    private var stream: Reconnecting<RESPConnection>

    /// - Parameter greeting: What a new connection begins with.
    init(
        _ url: NodeURL,
        _ timeouts: RemoteTimeouts,
        greeting: @escaping (inout RESPConnection) throws(RemoteError) -> Void = { _ in }
    ) {
        self.url = url
        stream = Reconnecting { () throws(RemoteError) in
            var connection = try RESPConnection(connectingTo: url, timeouts: timeouts)
            try greeting(&connection)
            return connection
        }
    }

    func perform<Result>(
        until deadline: ContinuousClock.Instant?,
        _ body: (inout RESPConnection) throws(RemoteError) -> Result
    ) throws(RemoteError) -> Result {
        stream.deadline = deadline
        return try stream.perform(body)
    }

    func close() { stream.close() }
}
