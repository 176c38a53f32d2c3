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
