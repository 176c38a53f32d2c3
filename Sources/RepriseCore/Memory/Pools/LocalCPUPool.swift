/// A pool of chunks in host memory, page-locked for CUDA where that is possible.
///
/// - Source: LMCache's `LocalCPUPool`, which raises an error when it is empty; this one returns `nil`.
public final class LocalCPUPool: ChunkPool {
    let store: ChunkStore
    /// Whether the memory is page-locked for CUDA.
    public let isPinned: Bool
    /// Why the memory is not page-locked for CUDA; `nil` when it is, or was not to be.
    public let pinningError: StorageError?

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
        let memory = try HostChunkMemory(
            byteCount: metadata.memoryByteCount,
            pinning: pinning,
            runtime: runtime
        )
        isPinned = memory.isPinned
        pinningError = memory.pinningError
        store = ChunkStore(metadata: metadata, memory: memory)
    }

    /// What the pool holds.
    public var metadata: KVPoolMetadata { store.metadata }

    /// Chunks that can be allocated now.
    public var freeChunkCount: Int { store.freeCount }

    /// Allocates a chunk for `tokenCount` tokens, or returns `nil` when all chunks are in use.
    ///
    /// - Throws: `invalidArgument` unless `tokenCount` is from 1 to the metadata's `chunkSize`.
    public func allocate(tokenCount: Int) throws(StorageError) -> KVObject? {
        try store.allocate(tokenCount: tokenCount)
    }

    /// Gives a chunk back; returns `false` for one that was freed before or comes from another pool.
    @discardableResult
    public func free(_ object: KVObject) -> Bool { store.free(object) }
}
