public import RepriseRemote
public import RepriseWire

/// What a benchmark measures.
public struct BenchConfiguration: Sendable {
    /// When a phase ends.
    public enum Amount: Hashable, Sendable {
        /// After so many operations, over all connections.
        case operations(Int)
        /// After so much time; operations under way are finished.
        case duration(Duration)
    }

    /// The most connections, each with a thread and two buffers of the value's size.
    public static let connectionCountMax = 1024

    /// Where the server listens.
    public var url: NodeURL
    /// The dialect of lm to speak; without effect over RESP.
    public var dialect: LMDialect = .current
    /// How long to wait for the server.
    public var timeouts = RemoteTimeouts()
    /// The size of every value, in bytes.
    public var valueByteCount: Int
    /// How many connections, each with a thread of its own, work at the same time.
    public var connectionCount: Int
    /// How many different keys there are, over all connections; no key is shared by two.
    public var keyCount: Int
    /// When each phase ends.
    public var amount: Amount
    /// The phases, in order.
    public var phases: [BenchPhase]
    /// Whether every byte of each fetched value is compared, outside of the measured latency.
    public var verifies = false

    /// Creates a configuration.
    public init(
        url: NodeURL,
        valueByteCount: Int,
        connectionCount: Int,
        keyCount: Int,
        amount: Amount,
        phases: [BenchPhase]
    ) {
        self.url = url
        self.valueByteCount = valueByteCount
        self.connectionCount = connectionCount
        self.keyCount = keyCount
        self.amount = amount
        self.phases = phases
    }

    /// What is wrong with the configuration, or `nil`.
    public var problem: String? {
        if !(1...BenchConfiguration.connectionCountMax).contains(connectionCount) {
            return "there must be 1 to \(BenchConfiguration.connectionCountMax) connections"
        }
        if !(1...LMLimits.payloadByteCountMax).contains(valueByteCount) {
            return "a value must have 1 to \(LMLimits.payloadByteCountMax) bytes"
        }
        if keyCount < connectionCount { return "there must be at least one key for each connection" }
        switch amount {
        case .operations(let count) where count < connectionCount:
            return "there must be at least one operation for each connection"
        case .duration(let duration) where duration <= .zero:
            return "the duration must be longer than nothing"
        default: return phases.isEmpty ? "there must be at least one phase" : nil
        }
    }
}
