/// The named limits of the server's side of RESP.
public struct RESPLimits: Sendable {
    /// The longest inline command, and the longest line that announces a length, in bytes; Redis's
    /// PROTO_INLINE_MAX_SIZE.
    public var lineByteCountMax = 64 << 10
    /// The most arguments of one command, its name included; as in Redis.
    public var argumentCountMax = 1 << 20
    /// The longest argument that is kept with the others without question; a longer one is announced, so that
    /// the caller can receive it by itself.
    public var unannouncedByteCountMax = 16 << 10
    /// The longest argument that is kept with the others at all.
    public var keptArgumentByteCountMax = 64 << 10
    /// The most bytes of one command, announced arguments not counted.
    public var commandByteCountMax = 4 << 20
    /// The most arguments of a command from a client that has not authenticated; as in Redis.
    public var unauthenticatedArgumentCountMax = 10
    /// The longest argument from a client that has not authenticated; as in Redis.
    public var unauthenticatedArgumentByteCountMax = 16 << 10

    /// Creates the default limits.
    public init() {}
}
