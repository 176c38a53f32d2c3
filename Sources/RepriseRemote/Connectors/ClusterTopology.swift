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
            guard let index = index(of: served) else { return nil }
            for slot in Int(first)...Int(last) { indices[slot] = index }
        }
    }

    /// The node that serves a slot; `nil` when none is known.
    func node(of slot: Int) -> NodeURL? { indices[slot] < 0 ? nil : nodes[Int(indices[slot])] }

    /// Gives a slot to a node.
    mutating func assign(_ slot: Int, to url: NodeURL) {
        if let index = index(of: url) { indices[slot] = index }
    }

    /// The place of a node, which is added if it is new; `nil` when there are too many.
    private mutating func index(of url: NodeURL) -> Int16? {
        if let index = nodes.firstIndex(of: url) { return Int16(index) }
        guard nodes.count < Self.nodeCountMax else { return nil }
        nodes.append(url)
        return Int16(nodes.count - 1)
    }
}
