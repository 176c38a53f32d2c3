/// Where a node listens: `lm://host:port`, `lm://[::1]:65432` or `unix:///path/to/socket`.
///
/// Both forms speak the lm protocol; the second over a Unix stream socket. Nothing is percent-decoded, and
/// there is no path, query or user part after a port.
public enum NodeURL: Hashable, Sendable {
    /// A TCP address; `host` is a name, an IPv4 address or an IPv6 address without brackets.
    case tcp(host: String, port: UInt16)
    /// The path of a Unix socket, absolute.
    case unix(path: String)

    /// The port used when a URL names none; LMCache's examples use it.
    public static let defaultPort: UInt16 = 65432
    /// The longest path of a Unix socket, in bytes: `sun_path` less its final zero. See unix(7).
    public static let unixPathByteCountMax = 107
    /// The longest host, in bytes: a DNS name's limit. See RFC 1035.
    public static let hostByteCountMax = 253

    /// Reads a URL.
    ///
    /// - Throws: ``RemoteError`` with code `invalidURL`; the message names the accepted forms.
    public init(parsing text: String) throws(RemoteError) {
        if let rest = NodeURL.drop("lm://", from: text) {
            self = try NodeURL.tcp(parsing: rest, whole: text)
        } else if let path = NodeURL.drop("unix://", from: text) {
            guard path.hasPrefix("/"), path.utf8.count > 1, !path.utf8.contains(0) else {
                throw RemoteError.invalidURL(text, "the path of a Unix socket must be absolute")
            }
            guard path.utf8.count <= NodeURL.unixPathByteCountMax else {
                let limit = NodeURL.unixPathByteCountMax
                throw RemoteError.invalidURL(text, "the path of a Unix socket has at most \(limit) bytes")
            }
            self = .unix(path: path)
        } else {
            throw RemoteError.invalidURL(text, "the scheme is neither 'lm' nor 'unix'")
        }
    }

    private static func drop(_ scheme: String, from text: String) -> String? {
        text.utf8.starts(with: scheme.utf8) ? String(text.utf8.dropFirst(scheme.utf8.count)) : nil
    }

    private static func tcp(parsing rest: String, whole: String) throws(RemoteError) -> NodeURL {
        let (host, portText) = try splitPort(rest, whole: whole)
        let isHostByte = { (byte: UInt8) in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"),
                UInt8(ascii: ":"), UInt8(ascii: "%"):
                true
            default: false
            }
        }
        guard !host.isEmpty, host.utf8.count <= hostByteCountMax, host.utf8.allSatisfy(isHostByte) else {
            throw RemoteError.invalidURL(whole, "'\(host)' is no host name or address")
        }
        guard let portText else { return .tcp(host: host, port: defaultPort) }
        let isDigits = portText.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        guard isDigits, let port = UInt16(portText), port > 0 else {
            throw RemoteError.invalidURL(whole, "a port is a number from 1 to 65535")
        }
        return .tcp(host: host, port: port)
    }

    /// Splits `host`, `host:port`, `[v6]` or `[v6]:port`.
    private static func splitPort(
        _ rest: String,
        whole: String
    ) throws(RemoteError) -> (host: String, port: String?) {
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else {
                throw RemoteError.invalidURL(whole, "']' is missing after the IPv6 address")
            }
            let host = String(rest[rest.index(after: rest.startIndex)..<end])
            let after = rest[rest.index(after: end)...]
            guard host.contains(":"), after.isEmpty || after.hasPrefix(":") else {
                throw RemoteError.invalidURL(
                    whole,
                    "brackets hold an IPv6 address and are followed by ':' and a port"
                )
            }
            return (host, after.isEmpty ? nil : String(after.dropFirst()))
        }
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else {
            throw RemoteError.invalidURL(whole, "write an IPv6 address in brackets")
        }
        return (String(parts[0]), parts.count == 2 ? String(parts[1]) : nil)
    }
}

extension NodeURL: CustomStringConvertible {
    /// The URL as text, with its port; reads back equal.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "lm://[\(host)]:\(port)" : "lm://\(host):\(port)"
        case .unix(let path): "unix://\(path)"
        }
    }
}
