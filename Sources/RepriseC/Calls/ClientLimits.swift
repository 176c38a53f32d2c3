internal import CReprise

/// The limits of a client; those that callers must know are the header's.
enum ClientLimits {
    /// The most keys of one batch.
    static let batchKeyCountMax = Int(REPRISE_BATCH_KEYS_MAX)
    /// The longest key, in bytes.
    static let keyByteCountMax = Int(REPRISE_KEY_BYTES_MAX)
    /// The most pieces that the values of one batch lie in.
    static let batchPieceCountMax = Int(REPRISE_BATCH_PIECES_MAX)
    /// The most batches submitted and not drained.
    static let submittedBatchCountMax = Int(REPRISE_SUBMITTED_BATCHES_MAX)
    /// The most threads that carry out submitted batches.
    static let copyThreadCountMax = UInt32(REPRISE_COPY_THREADS_MAX)
    /// Threads that carry them out unless the caller says how many.
    static let copyThreadCountDefault: UInt32 = 2
    /// The most leases that a client holds; as many as a node gives one connection.
    static let leaseCountMax = 65_536
    /// Messages of failed batches that are remembered.
    static let rememberedErrorCountMax = 1024
    /// The longest path of a socket or a directory, its final zero not counted.
    static let pathByteCountMax = 4095
    /// The least memory of an embedded node.
    static let memoryByteCountMin: UInt64 = 1 << 20
    /// How long a call waits for the node unless the caller says so.
    static let timeoutMillisecondsDefault: UInt32 = 10_000
    /// How long the first connection may take unless the caller says so.
    static let connectMillisecondsDefault: UInt32 = 5_000
}
