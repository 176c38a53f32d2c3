/// The chunks of a prompt with their hashes, each hashed when it is asked for.
///
/// Stopping early saves the hashing of the rest.
public struct ChunkHashes: Sequence, Sendable {
    /// Tokens per chunk where nothing else is said; all workers that share chunks must agree.
    public static let defaultChunkSize = 256
    /// The most tokens a chunk may have.
    public static let chunkSizeMax = 1 << 20

    private let tokens: TokenArray
    private let end: Int
    private let chunkSize: Int
    private let falseCount: Int
    private let hasher: ChunkHasher

    /// Prepares the chunks of a prompt; hashes nothing yet.
    ///
    /// - Parameters:
    ///   - tokens: The whole prompt.
    ///   - hasher: The chain, at its start, or after the chunks that came before `tokens`.
    ///   - chunkSize: Tokens per chunk.
    ///   - savesUnfullChunk: Whether a last chunk with fewer tokens is hashed too; `nil` for what LMCache
    ///     does in the versions that have the algorithm.
    ///   - falseCount: Tokens at the start whose chunks are hashed, since the others depend on them, but left
    ///     out.
    /// - Throws: ``HashingError`` — `invalidChunkSize`; `invalidMask` if `falseCount` is negative or exceeds
    ///   the tokens, `misalignedMask` if it is no multiple of the chunk size; `tokenOutOfRange` if the
    ///   algorithm takes unsigned 32-bit tokens and one is not.
    /// - Complexity: O(1); for 64-bit tokens and an algorithm over 32-bit ones O(tokens), about 0.2 ns each.
    public init(
        of tokens: TokenArray,
        hasher: ChunkHasher,
        chunkSize: Int = ChunkHashes.defaultChunkSize,
        savesUnfullChunk: Bool? = nil,
        skippingFirst falseCount: Int = 0
    ) throws(HashingError) {
        try ChunkHashes.check(chunkSize: chunkSize)
        guard (0...tokens.count).contains(falseCount) else {
            throw HashingError(.invalidMask, "\(falseCount) masked of \(tokens.count) tokens")
        }
        guard falseCount.isMultiple(of: chunkSize) else {
            throw HashingError(
                .misalignedMask,
                "\(falseCount) masked tokens: mask whole chunks of \(chunkSize) tokens"
            )
        }
        guard !hasher.algorithm.takesOnlyUInt32 || tokens.fitsUInt32 else {
            throw hasher.algorithm.tokenOutOfRange
        }
        let savesUnfullChunk = savesUnfullChunk ?? hasher.algorithm.savesUnfullChunkByDefault
        end = savesUnfullChunk ? tokens.count : tokens.count - tokens.count % chunkSize
        (self.tokens, self.hasher) = (tokens, hasher)
        (self.chunkSize, self.falseCount) = (chunkSize, falseCount)
    }

    internal static func check(chunkSize: Int) throws(HashingError) {
        guard (1...chunkSizeMax).contains(chunkSize) else {
            throw HashingError(
                .invalidChunkSize,
                "chunks of \(chunkSize) tokens; choose 1 to \(chunkSizeMax)"
            )
        }
    }

    /// Starts at the first chunk.
    public func makeIterator() -> Iterator {
        Iterator(chunks: self, hasher: hasher)
    }

    /// Hashes one chunk a step.
    public struct Iterator: IteratorProtocol, Sendable {
        private let chunks: ChunkHashes
        private var hasher: ChunkHasher
        private var start = 0

        internal init(chunks: ChunkHashes, hasher: ChunkHasher) {
            self.chunks = chunks
            self.hasher = hasher
        }

        /// Hashes and returns the next chunk; the first time, hashes the masked ones too.
        ///
        /// - Complexity: O(tokens of the chunk).
        public mutating func next() -> HashedChunk? {
            while start < chunks.end {
                let range = start..<Swift.min(start + chunks.chunkSize, chunks.end)
                let hash = hasher.next(range, of: chunks.tokens)
                start = range.upperBound
                if range.lowerBound >= chunks.falseCount {
                    return HashedChunk(range: range, hash: hash)
                }
            }
            return nil
        }
    }
}
