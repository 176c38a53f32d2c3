public import Logging

/// Where and how a ``Server`` serves.
public struct ServerConfiguration: Sendable {
    /// The name or address to listen on for TCP, IPv4 or IPv6; `nil` for no TCP.
    public var host: String? = "127.0.0.1"
    /// The TCP port; 0 lets the system choose one.
    public var port: UInt16 = 65432
    /// The path of a Unix socket to listen on, or `nil`. A socket that nobody listens on any more is
    /// replaced.
    public var unixPath: String?
    /// How many threads serve connections: by default one for each processor, 2 to 8.
    ///
    /// On two processors two threads moved 4 MiB values over four connections up to a fifth faster than four,
    /// and answered pipelines faster: fewer threads switch less often.
    public var threadCount = min(max(2, ProcessReport.processorCount), 8)
    /// Where the server says what it closes and refuses.
    public var logger = Logger(label: "reprise") { _ in SwiftLogNoOpLogHandler() }
    /// Who may use the server.
    public var access = AccessPolicy()
    /// Under which host and port the server presents itself as a Redis Cluster of one node; `nil` for none.
    public var clusterAnnouncement: ClusterAnnouncement?
    /// The program's version, for INFO.
    public var versionText = "0"
    /// Limits on connections, requests and transfers.
    public var limits = ServerLimits()

    /// Creates the default configuration.
    public init() {}
}
