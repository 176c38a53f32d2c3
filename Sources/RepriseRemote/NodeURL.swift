/// Where a node listens, which protocol to speak there, and as whom.
///
/// | form | protocol | address |
/// | --- | --- | --- |
/// | `lm://host[:port]` | lm | TCP |
/// | `unix:///path` | lm | a Unix socket |
/// | `redis://[[user]:password@]host[:port][/0]` | RESP | TCP |
/// | `redis+unix://[[user]:password@]/path` | RESP | a Unix socket |
///
/// Without a port it is ``defaultPort`` for every scheme: a node has one port for both protocols. An IPv6
/// address stands in brackets. User and password are percent-decoded, and nothing else is. There is one
/// database, `/0`, and no query.
public struct NodeURL: Hashable, Sendable {
    /// The protocol that is spoken.
    public enum Wire: Hashable, Sendable {
        /// LMCache's `lm://`.
        case lm
        /// RESP 2 and 3, as Redis and Valkey speak it.
        case resp
    }

    /// Where the node listens.
    public enum Address: Hashable, Sendable {
        /// A TCP address; `host` is a name, an IPv4 address or an IPv6 address without brackets.
        case tcp(host: String, port: UInt16)
        /// The path of a Unix socket, absolute.
        case unix(path: String)
    }

    /// The port used when a URL names none; LMCache's examples use it.
    public static let defaultPort: UInt16 = 65432
    /// The longest path of a Unix socket, in bytes: `sun_path` less its final zero. See unix(7).
    public static let unixPathByteCountMax = 107
    /// The longest host, in bytes: a DNS name's limit. See RFC 1035.
    public static let hostByteCountMax = 253
    /// The schemes, for messages and completions.
    public static let schemes = ["lm://", "unix://", "redis://", "redis+unix://"]

    /// The protocol to speak.
    public let wire: Wire
    /// Where the node listens.
    public let address: Address
    /// As whom to speak; only RESP has that.
    public private(set) var credentials: NodeCredentials?

    /// Creates a URL.
    public init(_ wire: Wire, _ address: Address) {
        self.wire = wire
        self.address = address
    }

    /// `lm://host:port`.
    public static func tcp(host: String, port: UInt16) -> NodeURL {
        NodeURL(.lm, .tcp(host: host, port: port))
    }

    /// `unix://path`.
    public static func unix(path: String) -> NodeURL { NodeURL(.lm, .unix(path: path)) }

    /// The same URL with other credentials.
    ///
    /// - Precondition: the protocol is RESP.
    public func with(_ credentials: NodeCredentials?) -> NodeURL {
        precondition(wire == .resp || credentials == nil, "lm has no credentials")
        var copy = self
        copy.credentials = credentials
        return copy
    }
}

extension NodeURL: CustomStringConvertible {
    /// The URL as text, with its port and without credentials; reads back equal but for them.
    public var description: String {
        switch (wire, address) {
        case (.lm, .tcp(let host, let port)): "lm://\(NodeURL.authority(host, port))"
        case (.lm, .unix(let path)): "unix://\(path)"
        case (.resp, .tcp(let host, let port)): "redis://\(NodeURL.authority(host, port))"
        case (.resp, .unix(let path)): "redis+unix://\(path)"
        }
    }

    private static func authority(_ host: String, _ port: UInt16) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
