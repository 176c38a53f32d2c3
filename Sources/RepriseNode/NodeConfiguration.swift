public import RepriseCore
public import RepriseDisk

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
    /// Told what an operator should hear of the disks; called from their threads.
    public var report: @Sendable (DiskReport) -> Void = { _ in }

    /// Creates a configuration with defaults for all but the memory.
    public init(memoryByteCount: Int) {
        memory = MemoryPool.Configuration(byteCount: memoryByteCount)
    }
}
