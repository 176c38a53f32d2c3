/// A pool of chunks of one size, whose memory is taken once, at creation.
///
/// The chunk freed last is allocated first; a new pool starts with its last one. Thread-safe.
///
/// - Source: LMCache's `BasePool`, whose pools raise an error when they are empty, or say nothing about a
///   chunk that is freed twice; here an empty pool is `nil` everywhere, and a second free is refused.
public protocol ChunkPool: AnyObject, Sendable {
    /// What the pool holds.
    var metadata: KVPoolMetadata { get }

    /// Chunks that can be allocated now; one that is freed while it is read or written comes back after that.
    var freeChunkCount: Int { get }

    /// Allocates a chunk for `tokenCount` tokens; its bytes are those of its last use until they are written.
    ///
    /// - Returns: `nil` when all chunks are in use. Never waits.
    /// - Throws: `invalidArgument` unless `tokenCount` is from 1 to the metadata's `chunkSize`.
    /// - Complexity: O(1); takes the pool's lock once.
    func allocate(tokenCount: Int) throws(StorageError) -> KVObject?

    /// Gives a chunk back. An object that nobody refers to any more does so by itself.
    ///
    /// - Returns: `false`, and nothing changes, when the object was freed before or comes from another pool.
    /// - Complexity: O(1); takes the pool's lock once.
    @discardableResult
    func free(_ object: KVObject) -> Bool
}
