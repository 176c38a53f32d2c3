public import RepriseCore

/// Turns prompts into keys: cuts them into chunks of one size and hashes each with all before it.
///
/// - Source: LMCache `lmcache/v1/token_database.py` (`ChunkedTokenDatabase`).
public struct ChunkedTokenDatabase: TokenDatabase {
    /// Everything in the keys but the hash.
    public let scope: KeyScope
    /// How chunks are hashed.
    public let algorithm: ChunkHashAlgorithm
    /// Tokens per chunk.
    public let chunkSize: Int
    /// Whether a last chunk with fewer tokens gets a key.
    public let savesUnfullChunk: Bool

    /// `true`: each hash covers all chunks before it.
    public var isPrefixBound: Bool { true }

    /// Creates a token database.
    ///
    /// - Parameters:
    ///   - scope: Everything in the keys but the hash.
    ///   - algorithm: How chunks are hashed.
    ///   - chunkSize: Tokens per chunk.
    ///   - savesUnfullChunk: Whether a last chunk with fewer tokens gets a key; `nil` for what LMCache does
    ///     in the versions that have the algorithm. A longer prompt never finds such a chunk.
    /// - Throws: ``HashingError`` `invalidChunkSize`.
    public init(
        scope: KeyScope,
        algorithm: ChunkHashAlgorithm,
        chunkSize: Int = ChunkHashes.defaultChunkSize,
        savesUnfullChunk: Bool? = nil
    ) throws(HashingError) {
        try ChunkHashes.check(chunkSize: chunkSize)
        self.scope = scope
        self.algorithm = algorithm
        self.chunkSize = chunkSize
        self.savesUnfullChunk = savesUnfullChunk ?? algorithm.savesUnfullChunkByDefault
    }

    /// Returns the chunks of a prompt with their keys, in order, but for those of its first `falseCount`
    /// tokens.
    ///
    /// - Throws: ``HashingError`` — `invalidMask`, `misalignedMask` or `tokenOutOfRange`, as
    ///   ``ChunkHashes/init(of:hasher:chunkSize:savesUnfullChunk:skippingFirst:)`` does.
    /// - Complexity: that of the same initialiser; the hashing is done as the result is walked.
    public func processTokens(
        _ tokens: TokenArray,
        skippingFirst falseCount: Int
    ) throws(HashingError) -> KeyedChunks {
        let chunks = try ChunkHashes(
            of: tokens,
            hasher: ChunkHasher(algorithm),
            chunkSize: chunkSize,
            savesUnfullChunk: savesUnfullChunk,
            skippingFirst: falseCount
        )
        return KeyedChunks(chunks: chunks, scope: scope)
    }
}
