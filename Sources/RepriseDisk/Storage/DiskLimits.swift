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
    /// Values that are being written at one time, at most.
    public var writeDepth = 32
    /// Bytes of them beyond which a third one has to wait.
    public var writingByteCountMax = 16 << 20
    /// Records are divided among threads into parts of at least so many bytes,
    public var partByteCountMin = 512 << 10
    /// and of at most about twice so many.
    public var partByteCountMax = 4 << 20
    /// Bytes of values that wait to be written or are being written; a put beyond it is dropped. Of the
    /// memory that values are read into all disks together take at most one over ``queueMemoryDivisor``.
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

    /// The part of the memory, one over this, that may wait to be written.
    static let queueMemoryDivisor = 4
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
