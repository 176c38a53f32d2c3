public import RepriseCore

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

    /// Creates a configuration with defaults for all but the memory.
    public init(memoryByteCount: Int) {
        memory = MemoryPool.Configuration(byteCount: memoryByteCount)
    }
}
