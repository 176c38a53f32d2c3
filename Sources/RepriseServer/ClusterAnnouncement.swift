/// Where cluster clients are told to find the one node.
public struct ClusterAnnouncement: Hashable, Sendable {
    /// A name or address.
    public let host: String
    /// The TCP port.
    public let port: UInt16

    /// Creates an announcement.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
}
