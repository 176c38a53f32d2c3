internal import Glibc

/// What tells this server from others, for INFO and the cluster commands.
struct ServerIdentity: Sendable {
    /// 40 hexadecimal digits, drawn at each start.
    let runID: String
    let startedAt = Nanoseconds.now
    let host: String?
    let port: UInt16?
    let unixPath: String?
    let cluster: ClusterAnnouncement?
    let version: String
    let threadCount: Int

    init(_ configuration: ServerConfiguration, port: UInt16?) {
        var generator = SystemRandomNumberGenerator()
        runID = (0..<40).map { _ in String(Int.random(in: 0..<16, using: &generator), radix: 16) }.joined()
        host = configuration.host
        self.port = port
        unixPath = configuration.unixPath
        cluster = configuration.clusterAnnouncement
        version = configuration.versionText
        threadCount = configuration.threadCount
    }

    /// Seconds since the server was made.
    var uptimeSeconds: UInt64 { (Nanoseconds.now - startedAt) / 1_000_000_000 }
}
