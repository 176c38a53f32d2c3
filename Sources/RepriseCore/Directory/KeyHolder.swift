/// A node that has keys, as other nodes reach it; one life of it, from its start to its end.
///
/// Written `host:port#incarnation`, an IPv6 address in brackets and the incarnation as 16 hexadecimal digits.
public struct KeyHolder: Hashable, Sendable, CustomStringConvertible {
    /// A name or an address, without brackets.
    public let host: String
    /// Its data port.
    public let port: UInt16
    /// Which life of the node it is: what an earlier one had is gone.
    public let incarnation: UInt64

    /// The longest host, in bytes: a DNS name's limit. See RFC 1035.
    public static let hostByteCountMax = 253

    /// Describes a holder.
    ///
    /// - Parameter incarnation: A number that no other life of the node has; drawn by chance unless given.
    public init(host: String, port: UInt16, incarnation: UInt64 = .random(in: 0...UInt64.max)) {
        self.host = host
        self.port = port
        self.incarnation = incarnation
    }

    /// Reads what ``description`` writes; `nil` for anything else.
    public init?(parsing text: String) {
        let halves = text.split(separator: "#", omittingEmptySubsequences: false)
        guard halves.count == 2, halves[1].utf8.count == 16, let life = UInt64(halves[1], radix: 16),
            let address = Self.address(halves[0])
        else { return nil }
        self.init(host: address.host, port: address.port, incarnation: life)
    }

    /// Reads `host:port`, an IPv6 address in brackets; `nil` for anything else, and for the port 0.
    public static func address(_ text: some StringProtocol) -> (host: String, port: UInt16)? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            port > 0
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.count <= hostByteCountMax,
            host.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") })
        else { return nil }
        return (host, port)
    }

    /// The holder as text; reads back equal.
    public var description: String {
        let digits = String(incarnation, radix: 16)
        let life = String(repeating: "0", count: 16 - digits.count) + digits
        return "\(Self.text(host, port))#\(life)"
    }

    /// `host:port`, an IPv6 address in brackets.
    public static func text(_ host: String, _ port: UInt16) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
