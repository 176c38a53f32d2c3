/// A pool of chunks in the memory of a CUDA device, in one allocation.
///
/// The CUDA runtime is found when the pool is created; nothing of CUDA is needed to build. Every call selects
/// the device for the calling thread and puts back the one that was current before.
///
/// - Source: LMCache's `LocalGPUPool`.
public final class LocalGPUPool: ChunkPool {
    private let store: ChunkStore
    /// The device, by number.
    public let device: Device

    /// Creates a pool and allocates all its memory on the device.
    ///
    /// - Parameters:
    ///   - device: A CUDA device; without a number it is the calling thread's current one.
    ///   - runtime: The CUDA runtime; `nil` looks for one, as ``CUDARuntime/load(path:)`` does.
    /// - Throws: `unsupported` when no CUDA runtime or no device is found, `invalidArgument` for a device
    ///   that is not CUDA or that the machine has not, `outOfMemory` when the device is full, `system` for
    ///   other CUDA errors.
    public init(
        _ metadata: KVPoolMetadata,
        device: Device = .cuda(index: nil),
        runtime: CUDARuntime? = nil
    ) throws(StorageError) {
        guard case .cuda(let index) = device else {
            throw StorageError(.invalidArgument, "a GPU pool on '\(device)': use cuda or cuda:N")
        }
        let runtime = if let runtime { runtime } else { try CUDARuntime.load() }
        let memory = try DeviceChunkMemory(
            byteCount: metadata.memoryByteCount,
            deviceIndex: index,
            runtime: runtime
        )
        self.device = .cuda(index: memory.deviceIndex)
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
