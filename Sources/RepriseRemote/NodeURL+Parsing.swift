extension NodeURL {
    /// Reads a URL.
    ///
    /// - Throws: ``RemoteError`` with code `invalidURL`; the message names the accepted forms, and never
    ///   holds a password.
    public init(parsing text: String) throws(RemoteError) {
        do throws(NodeURLProblem) {
            self = try NodeURL.read(text)
        } catch {
            throw RemoteError.invalidURL(NodeURL.withoutSecrets(text), error.reason)
        }
    }

    private static func read(_ text: String) throws(NodeURLProblem) -> NodeURL {
        if let rest = drop("lm://", from: text) {
            return NodeURL(.lm, try tcp(parsing: rest))
        } else if let path = drop("unix://", from: text) {
            return NodeURL(.lm, try unix(parsing: path))
        } else if let rest = drop("redis://", from: text) {
            let (credentials, authority) = try splitCredentials(try withoutDatabase(rest))
            return NodeURL(.resp, try tcp(parsing: authority)).with(credentials)
        } else if let rest = drop("redis+unix://", from: text) {
            let path = rest.firstIndex(of: "/") ?? rest.endIndex
            let (credentials, host) = try splitCredentials(String(rest[..<path]))
            guard host.isEmpty else { throw NodeURLProblem("the path of a Unix socket must be absolute") }
            return NodeURL(.resp, try unix(parsing: String(rest[path...]))).with(credentials)
        } else if drop("rediss://", from: text) != nil {
            throw NodeURLProblem("there is no TLS yet; use redis:// within a network that you trust")
        }
        throw NodeURLProblem("the scheme is neither 'lm', 'unix', 'redis' nor 'redis+unix'")
    }

    private static func drop(_ scheme: String, from text: String) -> String? {
        text.utf8.starts(with: scheme.utf8) ? String(text.utf8.dropFirst(scheme.utf8.count)) : nil
    }

    /// A text fit for messages: what may hold a password ends with its scheme.
    private static func withoutSecrets(_ text: String) -> String {
        let words = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        let isSecret = words[0].hasPrefix("redis") || text.contains("@")
        return isSecret ? (words.count == 2 ? "\(words[0])://..." : "...") : text
    }

    internal static func unix(parsing path: String) throws(NodeURLProblem) -> Address {
        guard path.hasPrefix("/"), path.utf8.count > 1, !path.utf8.contains(0) else {
            throw NodeURLProblem("the path of a Unix socket must be absolute")
        }
        guard path.utf8.count <= unixPathByteCountMax else {
            throw NodeURLProblem("the path of a Unix socket has at most \(unixPathByteCountMax) bytes")
        }
        return .unix(path: path)
    }

    internal static func tcp(
        parsing rest: String,
        defaultPort: UInt16 = NodeURL.defaultPort
    ) throws(NodeURLProblem) -> Address {
        let (host, portText) = try splitPort(rest)
        guard !host.isEmpty, host.utf8.count <= hostByteCountMax, host.utf8.allSatisfy(isHostByte) else {
            throw NodeURLProblem("there is no host name or address where one belongs")
        }
        guard let portText else { return .tcp(host: host, port: defaultPort) }
        let isDigits = portText.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        guard isDigits, let port = UInt16(portText), port > 0 else {
            throw NodeURLProblem("a port is a number from 1 to 65535")
        }
        return .tcp(host: host, port: port)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch Unicode.Scalar(byte) {
        case "a"..."z", "A"..."Z", "0"..."9", ".", "-", "_", ":", "%": true
        default: false
        }
    }

    /// Splits `host`, `host:port`, `[v6]` or `[v6]:port`.
    private static func splitPort(_ rest: String) throws(NodeURLProblem) -> (host: String, port: String?) {
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else {
                throw NodeURLProblem("']' is missing after the IPv6 address")
            }
            let host = String(rest[rest.index(after: rest.startIndex)..<end])
            let after = rest[rest.index(after: end)...]
            guard host.contains(":"), after.isEmpty || after.hasPrefix(":") else {
                throw NodeURLProblem("brackets hold an IPv6 address and are followed by ':' and a port")
            }
            return (host, after.isEmpty ? nil : String(after.dropFirst()))
        }
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw NodeURLProblem("write an IPv6 address in brackets") }
        return (String(parts[0]), parts.count == 2 ? String(parts[1]) : nil)
    }

    /// Drops the database, which can only be the first.
    private static func withoutDatabase(_ rest: String) throws(NodeURLProblem) -> String {
        guard let slash = rest.firstIndex(of: "/") else { return rest }
        guard ["/", "/0"].contains(rest[slash...]) else {
            throw NodeURLProblem("there is one database, /0; in a password, write / ? # @ : as %2F ...")
        }
        return String(rest[..<slash])
    }
}
