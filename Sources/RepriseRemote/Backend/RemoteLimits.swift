/// The named limits of a remote backend.
public struct RemoteLimits: Hashable, Sendable {
    /// Connections, each with a thread of its own.
    public var connectionCount = 4
    /// The longest time that a caller waits for an answer; LMCache's `blocking_timeout_secs`. What runs out
    /// of it is a miss.
    public var callTimeMax: Duration = .seconds(10)
    /// The longest wait for a connection to be made.
    public var connectTimeMax: Duration = .seconds(5)
    /// Bytes of values that wait to be put, or are being put; a put beyond it is refused. They stay in memory
    /// meanwhile.
    public var queuedByteCountMax = 256 << 20
    /// Questions and loads that wait for a connection; one beyond it is a miss.
    public var readCountMax = 4096
    /// Values that one connection is asked for before the first of them has come, where its protocol allows
    /// that, and enough wait for the others.
    public var pipelinedGetCountMax = 8
    /// Failures one after the other with which the store counts as gone.
    public var failureCountMax = 3
    /// The first pause before the store is tried again; each further one is twice as long.
    public var pauseMin: Duration = .milliseconds(100)
    /// The longest pause.
    public var pauseMax: Duration = .seconds(10)
    /// Keys whose older value is still to be removed from the store; further ones are not asked for any more.
    public var withdrawnKeyCountMax = 65_536
    /// The longest time that closing waits for what is queued.
    public var closeTimeMax: Duration = .seconds(5)

    /// Creates the default limits.
    public init() {}
}
