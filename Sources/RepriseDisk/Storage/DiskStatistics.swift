/// What one disk holds and has done, counted under its lock.
package struct DiskStatistics: Hashable, Sendable {
    /// Values that can be read.
    package internal(set) var entryCount = 0
    /// Bytes of the data file in use: records, those being written or withdrawn included, in whole units.
    package internal(set) var usedByteCount = 0
    /// Bytes that records can take together.
    package internal(set) var capacityByteCount = 0
    /// Bytes that the disk may take, its bookkeeping included.
    package internal(set) var configuredByteCount = 0
    /// Logical bytes of stored values.
    package internal(set) var payloadByteCount = 0
    /// Bytes of stored keys.
    package internal(set) var keyByteCount = 0
    /// Bytes of memory that the index takes beside the keys.
    package internal(set) var indexByteCount = 0
    /// Values that wait to be written or are being written, and their bytes.
    package internal(set) var queuedCount = 0
    /// Bytes of the values that wait to be written or are being written.
    package internal(set) var queuedByteCount = 0
    /// Values written.
    package internal(set) var putCount: UInt64 = 0
    /// Bytes of values written, headers included.
    package internal(set) var writtenByteCount: UInt64 = 0
    /// Puts that were dropped because the queue was full.
    package internal(set) var droppedCount: UInt64 = 0
    /// Puts that were refused: too large, key too long, everything else in use, or the disk is out.
    package internal(set) var refusedCount: UInt64 = 0
    /// Puts whose write failed.
    package internal(set) var failedPutCount: UInt64 = 0
    /// Values read and proven.
    package internal(set) var hitCount: UInt64 = 0
    /// Bytes of values read, headers included.
    package internal(set) var readByteCount: UInt64 = 0
    /// Values thrown out to make room.
    package internal(set) var evictionCount: UInt64 = 0
    /// Values that were removed because their time had come.
    package internal(set) var expiredCount: UInt64 = 0
    /// Records that did not prove themselves, by cause.
    package internal(set) var faults: [RecordFault: UInt64] = [:]
    /// Calls that failed.
    package internal(set) var ioErrorCount: UInt64 = 0
    /// Whether the disk was taken out and serves nothing.
    package internal(set) var isOut = false
    /// How often it was taken out.
    package internal(set) var outCount: UInt64 = 0
    /// Snapshots written.
    package internal(set) var snapshotCount: UInt64 = 0
}
