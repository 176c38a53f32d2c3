extension Configuration {
    /// Where a node listens, whom it serves, and its limits.
    public struct Server: Sendable {
        /// The name or address to listen on for TCP.
        public internal(set) var host = "127.0.0.1"
        /// The TCP port; 0 lets the system choose one.
        public internal(set) var port: UInt16 = 65432
        /// The path of a Unix socket to listen on; `nil` for none.
        public internal(set) var unixPath: String?
        /// Whether TCP is listened on at all.
        public internal(set) var servesTCP = true
        /// How many threads serve connections.
        public internal(set) var threadCount = 2
        /// The file whose first line is the password.
        public internal(set) var passwordFile: String?
        /// Whether other machines are served without a password.
        public internal(set) var isUnprotected = false
        /// Networks whose `lm://` clients are served, as text; `RepriseServer` reads it.
        public internal(set) var lmAllowedNetworks: [String] = []
        /// Numbers of users whose programs may use the Unix socket to read, as text.
        public internal(set) var localAllowedUsers: [String] = []
        /// Under which address the node is a Redis Cluster of one; `nil` for none.
        public internal(set) var clusterAnnouncement: HostAndPort?
        /// The largest value.
        public internal(set) var valueByteCountMax = 4 << 30
        /// The most connections at once.
        public internal(set) var connectionCountMax = 10_000
        /// The slowest rate of an unfinished transfer, in bytes a second; 0 for any.
        public internal(set) var minimumTransferRate = 4096
        /// How long a stopping node waits for transfers in flight.
        public internal(set) var drainTimeMax: Duration = .seconds(30)
    }
}
