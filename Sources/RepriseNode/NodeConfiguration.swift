public import RepriseCore
public import RepriseDisk
public import RepriseRemote

/// Everything a node is made from; typed, so that only the CLI knows texts and files.
public struct NodeConfiguration: Sendable {
    /// How the memory pool is made.
    public var memory: MemoryPool.Configuration
    /// Which entry leaves first.
    public var evictionPolicy: EvictionPolicy = .lru
    /// Limits on keys, values and reservations.
    public var limits = StoreLimits()
    /// Where values are wanted; a cache server serves from `cpu`.
    public var device = Device.cpu
    /// The disks behind the memory; none unless set.
    public var disks: [DiskConfiguration] = []
    /// A store on other machines behind it all; none unless set.
    public var remote: RemoteConfiguration?
    /// The directory through which nodes find what others have; none unless set.
    public var lookup: LookupConfiguration?
    /// Told what an operator should hear of the disks; called from their threads.
    public var report: @Sendable (DiskReport) -> Void = { _ in }

    /// Creates a configuration with defaults for all but the memory.
    public init(memoryByteCount: Int) {
        memory = MemoryPool.Configuration(byteCount: memoryByteCount)
    }
}

/// A remote store behind a node.
public struct RemoteConfiguration: Sendable {
    /// Where it is.
    public var url: RemoteURL
    /// The limits of the connections to it.
    public var limits = RemoteLimits()
    /// How values are kept there.
    public var serde: any Serde = NaiveSerde()
    /// Values that wait to be put there take at most this part of the memory.
    public static let queuedFractionDivisor = 4

    /// Describes a store with default limits.
    public init(url: RemoteURL) { self.url = url }
}

/// How a node finds other nodes, and they it.
public struct LookupConfiguration: Sendable {
    /// Where the lookup directory is: Redis or Valkey.
    public var url: RemoteURL
    /// This node's data port, as other nodes reach it.
    public var holder: KeyHolder
    /// The limits of the directory.
    public var limits = DirectoryLimits()
    /// The limits of what is fetched from other nodes.
    public var peerLimits = PeerLimits()

    /// Describes a directory with default limits.
    public init(url: RemoteURL, holder: KeyHolder) {
        self.url = url
        self.holder = holder
    }
}
