/// What a remote backend has done since it was made.
public struct RemoteStatistics: Hashable, Sendable {
    /// Values that were found.
    public internal(set) var hitCount: UInt64 = 0
    /// Values that were not there.
    public internal(set) var missCount: UInt64 = 0
    /// Values that were there and were not what they should be.
    public internal(set) var corruptCount: UInt64 = 0
    /// Values for which there was no memory.
    public internal(set) var noMemoryCount: UInt64 = 0
    /// Calls that callers did not wait for any longer.
    public internal(set) var timeoutCount: UInt64 = 0
    /// Calls that were not made: the store is gone, or too many wait.
    public internal(set) var skippedCount: UInt64 = 0
    /// Values that were put.
    public internal(set) var storedCount: UInt64 = 0
    /// Puts that were refused: too many bytes wait, the store is gone, or the value is too large.
    public internal(set) var refusedPutCount: UInt64 = 0
    /// Puts that were accepted and failed.
    public internal(set) var failedPutCount: UInt64 = 0
    /// Keys that were removed.
    public internal(set) var removedCount: UInt64 = 0
    /// Errors of all kinds.
    public internal(set) var errorCount: UInt64 = 0
    /// How often the store was given up.
    public internal(set) var outageCount: UInt64 = 0
    /// Whether it is given up now.
    public internal(set) var isOut = false
    /// Bytes that wait to be put, or are being put.
    public internal(set) var queuedByteCount = 0
    /// Keys that have a put or a removal before them.
    public internal(set) var queuedKeyCount = 0
    /// Keys that are not asked for any more, because too many wait to be removed.
    public internal(set) var forgottenKeyCount: UInt64 = 0
    /// Bytes of values that were fetched.
    public internal(set) var readByteCount: UInt64 = 0
    /// Bytes of values that were put.
    public internal(set) var writtenByteCount: UInt64 = 0
    /// The last error, for whoever looks.
    public internal(set) var lastError: RemoteError?

    /// Creates numbers that are all zero.
    public init() {}
}
