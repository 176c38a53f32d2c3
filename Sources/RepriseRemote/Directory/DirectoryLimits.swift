/// The named limits of a lookup directory.
public struct DirectoryLimits: Hashable, Sendable {
    /// How long a node that is not heard of counts as alive.
    public var heartbeatLifetime: Duration = .seconds(10)
    /// How long an entry stays that nobody renews; nodes renew theirs twice in that time.
    public var entryLifetime: Duration = .seconds(3600)
    /// The longest time that a lookup takes; what runs out of it finds nobody.
    public var callTimeMax: Duration = .seconds(2)
    /// The longest wait for a connection to be made.
    public var connectTimeMax: Duration = .seconds(2)
    /// Lookups that wait; one beyond it finds nobody.
    public var lookupCountMax = 4096
    /// Keys that are asked for, or noted, in one go.
    public var batchKeyCountMax = 512
    /// Entries of dead holders that wait to be removed; further ones stay until somebody meets them again.
    public var deadEntryCountMax = 4096
    /// Failures one after the other with which the directory counts as gone.
    public var failureCountMax = 2
    /// The first pause before it is tried again; each further one is twice as long.
    public var pauseMin: Duration = .milliseconds(100)
    /// The longest pause.
    public var pauseMax: Duration = .seconds(5)
    /// The longest time that closing takes to remove the node's entries; its heartbeat ends first.
    public var closeTimeMax: Duration = .seconds(2)

    /// Creates the default limits.
    public init() {}
}

/// What a lookup directory has done.
public struct DirectoryStatistics: Hashable, Sendable {
    /// Keys that this node has.
    public var keyCount = 0
    /// Keys whose noting or removal is still to be sent.
    public var pendingKeyCount = 0
    /// Keys that were looked up.
    public var lookupCount: UInt64 = 0
    /// Keys of which a live holder was found.
    public var foundCount: UInt64 = 0
    /// Round trips that lookups took.
    public var roundTripCount: UInt64 = 0
    /// Lookups that were not made because the directory is gone, or too many waited.
    public var skippedCount: UInt64 = 0
    /// Calls that failed.
    public var errorCount: UInt64 = 0
    /// Whether the directory counts as gone.
    public var isOut = false
    /// The last failure.
    public var lastError: RemoteError?

    /// Creates statistics of nothing.
    public init() {}
}
