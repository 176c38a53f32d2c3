/// The named limits of a ``LocalCPUBackend``.
public struct StoreLimits: Sendable {
    /// The longest key, in bytes.
    public var keyByteCountMax = 64 << 10
    /// The longest value, in bytes; the pool's capacity limits it besides.
    public var valueByteCountMax = 4 << 30
    /// The part of the pool that may be reserved and not committed: one over this. A single reservation may
    /// pass it.
    public var reservedFractionDivisor = 4

    /// The part of the pool that values may take which one batch waits for, to be loaded from behind the
    /// memory: one over this. A single value may pass it.
    public var loadedFractionDivisor = 8

    /// Slots handled in one critical section by calls that visit every entry.
    static let batchSlotCount: UInt32 = 4096

    /// The most operations of a batch in one critical section, unless more must be done at once.
    static let batchOperationCount = 256
    /// Entries handled in one critical section when their time has come.
    static let expiredEntryCount = 256

    /// Creates the default limits.
    public init() {}
}
