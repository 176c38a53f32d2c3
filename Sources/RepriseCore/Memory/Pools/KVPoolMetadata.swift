/// What a pool of fixed chunks holds: the shape of one chunk's keys and values, and how many bytes of them.
///
/// A chunk is a tensor `[layer, 2, token, head, headSize]`, row-major, keys before values. It has five
/// dimensions, one more than ``TensorShape`` has, hence the named fields.
///
/// - Source: LMCache's `LMCacheMemPoolMetadata`.
public struct KVPoolMetadata: Hashable, Sendable {
    /// The most chunks a pool can have.
    public static let chunkCountLimit = 1 << 24
    /// The most bytes a pool's memory can have: 8 TiB.
    public static let byteCountLimit = 8 << 40

    /// Layers of the model.
    public let layerCount: Int
    /// Tokens of a full chunk.
    public let chunkSize: Int
    /// Heads per layer.
    public let headCount: Int
    /// Elements per head.
    public let headSize: Int
    /// The type of an element.
    public let dtype: DType
    /// Bytes of full chunks that the evictor above the pool allows.
    public let capacityByteCount: Int
    /// Bytes of a full chunk.
    public let chunkByteCount: Int
    /// The chunks that a pool has memory for: one more than ``capacityByteCount`` has room for.
    ///
    /// The evictor caps at the bytes; the chunk beyond lets a put of the same size allocate before its victim
    /// has let go of its own. Five GiB of 32 MiB chunks are 161, not 160.
    public let chunkCountMax: Int
    /// Bytes from one chunk to the next in the pool's memory: ``chunkByteCount`` rounded up to whole pages.
    public let chunkStride: Int

    /// Creates the description of a pool.
    ///
    /// - Throws: `invalidArgument` unless all dimensions are positive, the capacity is not negative, and the
    ///   pool stays within ``chunkCountLimit`` and ``byteCountLimit``.
    public init(
        layerCount: Int,
        chunkSize: Int,
        headCount: Int,
        headSize: Int,
        dtype: DType,
        capacityByteCount: Int
    ) throws(StorageError) {
        let dimensions = [layerCount, 2, chunkSize, headCount, headSize]
        guard let chunkByteCount = KVPoolMetadata.byteCount(dimensions, dtype),
            let chunkStride = AllocationUnit.alignedByteCount(chunkByteCount)
        else {
            throw StorageError(
                .invalidArgument,
                "chunks of shape \(dimensions): give positive dimensions and at most 8 TiB"
            )
        }
        guard capacityByteCount >= 0 else {
            throw StorageError(.invalidArgument, "a pool of \(capacityByteCount) bytes: give 0 or more")
        }
        let chunkCountMax = capacityByteCount / chunkByteCount + 1
        guard chunkCountMax <= KVPoolMetadata.chunkCountLimit,
            chunkStride <= KVPoolMetadata.byteCountLimit / chunkCountMax
        else {
            throw StorageError(
                .invalidArgument,
                "\(chunkCountMax) chunks of \(chunkStride) bytes: a pool has at most "
                    + "\(KVPoolMetadata.chunkCountLimit) chunks and 8 TiB"
            )
        }
        self.layerCount = layerCount
        self.chunkSize = chunkSize
        self.headCount = headCount
        self.headSize = headSize
        self.dtype = dtype
        self.capacityByteCount = capacityByteCount
        self.chunkByteCount = chunkByteCount
        self.chunkCountMax = chunkCountMax
        self.chunkStride = chunkStride
    }

    /// Creates the description of a pool whose capacity is given in GiB, as LMCache's configuration does.
    ///
    /// - Throws: As ``init(layerCount:chunkSize:headCount:headSize:dtype:capacityByteCount:)``; fractions of
    ///   a byte are dropped.
    public init(
        layerCount: Int,
        chunkSize: Int,
        headCount: Int,
        headSize: Int,
        dtype: DType,
        capacityGiB: Double
    ) throws(StorageError) {
        let byteCount = (capacityGiB * 1_073_741_824).rounded(.towardZero)
        guard let capacityByteCount = Int(exactly: byteCount) else {
            throw StorageError(.invalidArgument, "a pool of \(capacityGiB) GiB: give 0 to 8192")
        }
        try self.init(
            layerCount: layerCount,
            chunkSize: chunkSize,
            headCount: headCount,
            headSize: headSize,
            dtype: dtype,
            capacityByteCount: capacityByteCount
        )
    }

    /// The shape of a full chunk, `[layer, 2, token, head, headSize]`.
    public var shape: [Int] { [layerCount, 2, chunkSize, headCount, headSize] }

    /// Bytes of one token in one row, that is in the keys or the values of one layer.
    public var tokenByteCount: Int { headCount * headSize * dtype.byteCount }

    /// Bytes of all the chunks that the pool has memory for.
    public var memoryByteCount: Int { chunkStride * chunkCountMax }

    /// The bytes of one chunk's first tokens, as they lie in the pool's memory.
    func rows(ofSlot slot: Int, tokenCount: Int) -> ChunkRows {
        ChunkRows(
            offset: slot * chunkStride,
            rowCount: 2 * layerCount,
            rowByteCount: tokenCount * tokenByteCount,
            rowStride: chunkSize * tokenByteCount
        )
    }

    /// The bytes of a tensor, or `nil` when a dimension is not positive or they pass the limit.
    private static func byteCount(_ dimensions: [Int], _ dtype: DType) -> Int? {
        var count = dtype.byteCount
        for dimension in dimensions {
            guard dimension > 0, dimension <= byteCountLimit / count else { return nil }
            count *= dimension
        }
        return count
    }
}
