/// When a put that goes to a disk is said to be done.
public enum DiskSync: String, Hashable, Sendable, CaseIterable {
    /// Once the system has it: it survives the death of the process.
    case none
    /// Once the device has it: it survives the loss of power, too.
    case data
}

/// The named limits of one disk.
public struct DiskLimits: Sendable {
    /// Threads that carry out I/O.
    public var threadCount = 4
    /// Values that are being written at one time.
    public var writeDepth = 2
    /// Bytes of values that wait to be written or are being written; a put beyond it is dropped.
    public var queueByteCountMax = 256 << 20
    /// Failed calls in a row after which a disk is taken out.
    public var failureCountMax = 8
    /// How long one call may take before the disk is taken out.
    public var stuckMillisecondsMax: Int64 = 5_000
    /// How long to wait before a disk that was taken out is tried again; doubled each time.
    public var probeMilliseconds: Int64 = 1_000
    /// The longest of these waits.
    public var probeMillisecondsMax: Int64 = 60_000
    /// Waits between two looks at what has expired or is stuck.
    public var tickMilliseconds: Int64 = 100

    /// Bytes of journal records that wait to be written.
    static let journalBufferByteCountMax = 8 << 20
    /// Entries handled in one critical section by what visits every entry.
    static let batchEntryCount = 4096
    /// Entries handled in one critical section when their time has come.
    static let expiredEntryCount = 256
    /// The part of a journal, one over this, that is filled before the next snapshot begins.
    static let journalFillDivisor = 2

    /// Creates the default limits.
    public init() {}
}
