/// A pool of chunks in host memory for staging: who finds it empty may wait for a chunk.
///
/// - Source: LMCache's `LocalCPUBufferPool`, whose user polls it every 10 ms; here a waiting thread sleeps
///   until a chunk is freed.
public final class LocalCPUBufferPool: ChunkPool {
    private let pool: LocalCPUPool

    /// Creates a pool and populates all its memory.
    ///
    /// - Parameter runtime: The CUDA runtime to page-lock with; `nil` looks for one, unless `pinning` is
    ///   `never`.
    /// - Throws: `system` when the kernel has not enough memory to give; for `required` also why pinning
    ///   failed.
    /// - Complexity: O(bytes).
    public init(
        _ metadata: KVPoolMetadata,
        pinning: HostPinning = .whenAvailable,
        runtime: CUDARuntime? = nil
    ) throws(StorageError) {
        pool = try LocalCPUPool(metadata, pinning: pinning, runtime: runtime)
    }

    /// Whether the memory is page-locked for CUDA.
    public var isPinned: Bool { pool.isPinned }

    /// Why the memory is not page-locked for CUDA; `nil` when it is, or was not to be.
    public var pinningError: StorageError? { pool.pinningError }

    /// What the pool holds.
    public var metadata: KVPoolMetadata { pool.metadata }

    /// Chunks that can be allocated now.
    public var freeChunkCount: Int { pool.freeChunkCount }

    /// Allocates a chunk for `tokenCount` tokens, or returns `nil` at once when all chunks are in use.
    ///
    /// - Throws: `invalidArgument` unless `tokenCount` is from 1 to the metadata's `chunkSize`.
    public func allocate(tokenCount: Int) throws(StorageError) -> KVObject? {
        try pool.allocate(tokenCount: tokenCount)
    }

    /// Allocates a chunk for `tokenCount` tokens; when all are in use it blocks the thread until one is
    /// freed.
    ///
    /// Which of several waiting threads gets the chunk is not specified, and a call that does not wait may
    /// take it before them.
    ///
    /// - Returns: `nil` when no chunk could be had within `limit`.
    /// - Throws: `invalidArgument` unless `tokenCount` is from 1 to the metadata's `chunkSize`.
    /// - Precondition: not called inside a Swift task, whose thread must not block; this traps there if it
    ///   must wait.
    public func allocate(
        tokenCount: Int,
        waitingAtMost limit: Duration
    ) throws(StorageError) -> KVObject? {
        try pool.store.allocate(tokenCount: tokenCount, waitingAtMost: limit)
    }

    /// Gives a chunk back; returns `false` for one that was freed before or comes from another pool.
    @discardableResult
    public func free(_ object: KVObject) -> Bool { pool.free(object) }
}
