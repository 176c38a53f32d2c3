public import RepriseCore

/// How one disk of a ``LocalDiskBackend`` is made.
public struct DiskConfiguration: Sendable {
    /// The directory of the disk's files; made when it is not there. One process at a time has it.
    public var path: String
    /// Bytes that all of its files may take together.
    public var byteCount: Int
    /// When a put is said to be done.
    public var sync = DiskSync.none
    /// The named limits.
    public var limits = DiskLimits()
    /// Which entry leaves first.
    public var evictionPolicy = EvictionPolicy.lru

    /// Creates a configuration with defaults for all but place and size.
    public init(path: String, byteCount: Int) {
        self.path = path
        self.byteCount = byteCount
    }
}

extension [DiskConfiguration] {
    /// The same disks, all of whose queues together keep at most a share of the memory from being evicted:
    /// otherwise a disk slower than its clients would make them run out of memory.
    func sharing(_ memoryByteCount: Int) -> [DiskConfiguration] {
        let share = memoryByteCount / DiskLimits.queueMemoryDivisor / Swift.max(1, count)
        return map { configuration in
            var configuration = configuration
            configuration.limits.queueByteCountMax = Swift.min(configuration.limits.queueByteCountMax, share)
            return configuration
        }
    }
}
