internal import RepriseCore
internal import RepriseWire

/// The master that sentinels name; asked for anew when it is gone, or is no master any more.
///
/// Also reads go to the master: what a replica lags behind would be old values.
///
/// - Source: Redis documentation, "Guidelines for Redis clients with support for Redis Sentinel".
internal final class SentinelRESPRoute: RESPRoute {
    private let sentinels: [RESPEndpoint]
    private let serviceName: String
    private let credentials: NodeCredentials?
    private let timeouts: RemoteTimeouts
    private var master: RESPEndpoint?
    private var isClosed = false
    var deadline: ContinuousClock.Instant?

    /// The most times that one call asks for the master.
    private static let attemptCountMax = 8
    private static let pauseMilliseconds: Int64 = 50

    init(
        _ sentinels: [NodeURL],
        serviceName: String,
        credentials: NodeCredentials?,
        _ timeouts: RemoteTimeouts
    ) {
        self.sentinels = sentinels.map { RESPEndpoint($0, timeouts) }
        self.serviceName = serviceName
        self.credentials = credentials
        self.timeouts = timeouts
    }

    func perform<Result>(
        for storedKey: StorageKey,
        _ body: (inout RESPConnection) throws(RemoteError) -> Result
    ) throws(RemoteError) -> Result {
        var attempt = 0
        while true {
            do throws(RemoteError) {
                return try currentMaster().perform(until: deadline, body)
            } catch  where Self.isFailover(error) && attempt < Self.attemptCountMax && !isClosed {
                attempt += 1
                master?.close()
                master = nil
                try RemoteError.pause(milliseconds: Self.pauseMilliseconds, until: deadline)
            }
        }
    }

    func close() {
        isClosed = true
        master?.close()
        for sentinel in sentinels { sentinel.close() }
    }

    private static func isFailover(_ error: RemoteError) -> Bool {
        switch error.code {
        case .refused, .closed, .unreachable: true
        case .rejected: error.hasPrefix("READONLY", "MASTERDOWN", "LOADING", "NOMASTER")
        default: false
        }
    }

    private func currentMaster() throws(RemoteError) -> RESPEndpoint {
        if let master { return master }
        guard !isClosed else { throw RemoteError(.closed, "the connector was closed") }
        var failure = RemoteError(.unreachable, "there are no sentinels; name at least one in the URL")
        for sentinel in sentinels {
            do throws(RemoteError) {
                let url = try masterURL(from: sentinel)
                let endpoint = RESPEndpoint(url, timeouts) { (connection) throws(RemoteError) in
                    try Self.checkIsMaster(&connection)
                }
                master = endpoint
                return endpoint
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private func masterURL(from sentinel: RESPEndpoint) throws(RemoteError) -> NodeURL {
        let words = ["SENTINEL", "get-master-addr-by-name", serviceName].map { Array($0.utf8) }
        let answer = try sentinel.perform(until: deadline) { (stream) throws(RemoteError) in
            try stream.call(words)
        }
        guard case .array(let parts) = answer, parts.count == 2, let host = parts[0].string,
            let port = parts[1].string.flatMap({ UInt16($0) })
        else {
            throw RemoteError(.unreachable, "\(sentinel.url) knows no master by the name '\(serviceName)'")
        }
        return NodeURL(.resp, .tcp(host: host, port: port)).with(credentials)
    }

    private static func checkIsMaster(_ connection: inout RESPConnection) throws(RemoteError) {
        let answer = try connection.call([Array("ROLE".utf8)])
        guard case .array(let parts) = answer, parts.first?.string == "master" else {
            throw RemoteError(.rejected, "NOMASTER the server that was master has another role now")
        }
    }
}
