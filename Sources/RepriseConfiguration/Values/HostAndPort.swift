internal import RepriseCore

/// A name or address, and a TCP port.
public struct HostAndPort: Hashable, Sendable, CustomStringConvertible {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    public let host: String
    /// The port, not 0.
    public let port: UInt16

    /// Creates an address.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port` or `[::1]:port`.
    internal init(parsing text: String) throws(SettingProblem) {
        let forms = "write HOST:PORT, as others reach the node"
        guard let colon = text.lastIndex(of: ":"),
            let port = DecimalText.count(text[text.index(after: colon)...]), (1...65535).contains(port)
        else { throw SettingProblem("\(Quoted(text)): \(forms)") }
        let host = text[..<colon]
        guard !host.contains(":") || host.hasPrefix("[") && host.hasSuffix("]") else {
            throw SettingProblem("\(Quoted(text)): write an IPv6 address in brackets")
        }
        guard let address = KeyHolder.address(host + ":\(port)") else {
            throw SettingProblem("\(Quoted(text)): the host is no name or address; \(forms)")
        }
        self.init(host: address.host, port: address.port)
    }

    /// `host:port`, with brackets around an IPv6 address.
    public var description: String { KeyHolder.text(host, port) }
}
