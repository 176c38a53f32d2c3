/// The named limits of what a node fetches from others.
public struct PeerLimits: Hashable, Sendable {
    /// Nodes that connections are kept to; the one that was asked longest ago is let go for another.
    public var peerCountMax = 64
    /// Connections to each of them, each with a thread of its own.
    public var connectionCount = 2
    /// Holders of a key that are asked one after the other.
    public var holderCountMax = 2
    /// The longest time that one holder takes to answer.
    public var callTimeMax: Duration = .seconds(5)
    /// The longest wait for a connection to be made.
    public var connectTimeMax: Duration = .seconds(1)

    /// Creates the default limits.
    public init() {}

    /// The limits of the connections to one node.
    var remote: RemoteLimits {
        var limits = RemoteLimits()
        limits.connectionCount = connectionCount
        limits.callTimeMax = callTimeMax
        limits.connectTimeMax = connectTimeMax
        // Nothing is put there.
        limits.closeTimeMax = .zero
        return limits
    }
}

/// What a node has fetched from others.
public struct PeerStatistics: Hashable, Sendable {
    /// Values that came from a peer.
    public internal(set) var hitCount: UInt64 = 0
    /// Keys that no peer has, as far as the directory knows.
    public internal(set) var missCount: UInt64 = 0
    /// Values that a peer was said to have, and that it did not give.
    public internal(set) var staleCount: UInt64 = 0
    /// Bytes of values that came from peers.
    public internal(set) var readByteCount: UInt64 = 0

    /// Creates numbers that are all zero.
    public init() {}
}
