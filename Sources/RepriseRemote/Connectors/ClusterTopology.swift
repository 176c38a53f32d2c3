internal import RepriseCore
internal import RepriseWire

/// Which node of a cluster serves which slots.
internal struct ClusterTopology {
    /// The nodes that serve slots, each once.
    private(set) var nodes: [NodeURL] = []
    private var indices = [Int16](repeating: -1, count: HashSlot.count)
    /// The most nodes that a cluster has.
    static let nodeCountMax = 1000

    /// No nodes.
    init() {}

    /// What `CLUSTER SLOTS` is answered by; `nil` when that is none of its forms.
    init?(_ answer: RESPValue, from url: NodeURL, _ credentials: NodeCredentials?) {
        guard case .array(let ranges) = answer, !ranges.isEmpty else { return nil }
        for range in ranges {
            guard case .array(let parts) = range, parts.count >= 3,
                case .integer(let first) = parts[0], case .integer(let last) = parts[1],
                first >= 0, last >= first, last < HashSlot.count,
                case .array(let node) = parts[2], node.count >= 2,
                case .integer(let number) = node[1], let port = UInt16(exactly: number), port > 0
            else { return nil }
            // Without a host it is the one that was asked.
            let host = node[0].string.flatMap { $0.isEmpty || $0 == "?" ? nil : $0 } ?? url.host
            let served = NodeURL(.resp, .tcp(host: host, port: port)).with(credentials)
            for slot in Int(first)...Int(last) { assign(slot, to: served) }
        }
    }

    /// The node that serves a slot; `nil` when none is known.
    func node(of slot: Int) -> NodeURL? { indices[slot] < 0 ? nil : nodes[Int(indices[slot])] }

    /// Gives a slot to a node.
    mutating func assign(_ slot: Int, to url: NodeURL) {
        guard let index = nodes.firstIndex(of: url) ?? append(url) else { return }
        indices[slot] = Int16(index)
    }

    private mutating func append(_ url: NodeURL) -> Int? {
        guard nodes.count < Self.nodeCountMax else { return nil }
        nodes.append(url)
        return nodes.count - 1
    }
}

/// Where a cluster's node sends a client.
internal struct ClusterRedirection {
    /// The node to turn to.
    let url: NodeURL
    /// Whether just this once, with `ASKING`.
    let isOnce: Bool

    /// Reads an error; `nil` when it is no redirection.
    init?(_ error: RemoteError, from url: NodeURL) {
        guard error.code == .rejected else { return nil }
        let words = error.message.split(separator: " ")
        guard words.count == 3, words[0] == "MOVED" || words[0] == "ASK",
            let colon = words[2].lastIndex(of: ":"),
            let port = UInt16(words[2][words[2].index(after: colon)...]), port > 0
        else { return nil }
        let host = String(words[2][..<colon])
        self.url = NodeURL(.resp, .tcp(host: host.isEmpty ? url.host : host, port: port))
        isOnce = words[0] == "ASK"
    }
}

/// The slot of a cluster that a key belongs to.
///
/// - Source: Redis cluster specification, "Key distribution model".
internal enum HashSlot {
    /// How many slots a cluster has.
    static let count = 16_384

    /// The slot of a key: of what is between its first braces, if there is something.
    static func of(_ key: [UInt8]) -> Int {
        var hashed = key[...]
        if let open = key.firstIndex(of: UInt8(ascii: "{")) {
            let rest = key[(open + 1)...]
            if let close = rest.firstIndex(of: UInt8(ascii: "}")), close > rest.startIndex {
                hashed = rest[..<close]
            }
        }
        return Int(hashed.reduce(UInt16(0)) { sum, byte in checksum(sum, byte) }) % count
    }

    /// CRC-16/XMODEM, byte by byte.
    private static func checksum(_ sum: UInt16, _ byte: UInt8) -> UInt16 {
        var sum = sum ^ UInt16(byte) << 8
        for _ in 0..<8 { sum = sum & 0x8000 != 0 ? sum << 1 ^ 0x1021 : sum << 1 }
        return sum
    }
}

extension NodeURL {
    /// The host of a TCP address; empty for a Unix socket.
    internal var host: String {
        if case .tcp(let host, _) = address { host } else { "" }
    }
}
