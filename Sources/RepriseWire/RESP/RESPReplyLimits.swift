/// How large the replies are that a client accepts; beyond a limit the connection is of no more use.
public struct RESPReplyLimits: Hashable, Sendable {
    /// The most bytes of a line without its end: simple strings, errors and numbers.
    public var lineByteCountMax = 64 << 10
    /// The most bytes of one parsed reply with everything in it; announced payloads do not count.
    public var replyByteCountMax = 64 << 20
    /// The most values in one parsed reply, over all levels.
    public var elementCountMax = 1 << 20
    /// How deep aggregates may lie within each other.
    public var nestingDepthMax = 32
    /// The most bytes of an announced payload, which nothing but the caller allocates.
    public var payloadByteCountMax = 1 << 40

    /// Creates the default limits.
    public init() {}
}
