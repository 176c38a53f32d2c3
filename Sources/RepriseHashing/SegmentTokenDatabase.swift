public import RepriseCore

/// Turns prompts into keys: cuts them at a separator and hashes each segment for itself, so that a segment is
/// found whatever stands before it.
///
/// The keys and values of a segment depend on its place; whoever retrieves them blends them in (LMCache's
/// CacheBlend). The rules where LMCache's versions differ:
///
/// - Separators are found from left to right and do not overlap; they belong to no segment, but positions
///   count them.
/// - What stands behind the last separator is a segment; empty segments are none. A prompt without a
///   separator is one segment.
///
/// - Source: LMCache `lmcache/v1/token_database.py` (`SegmentTokenDatabase`).
public struct SegmentTokenDatabase: TokenDatabase {
    /// Everything in the keys but the hash.
    public let scope: KeyScope
    /// How segments are hashed: as the first chunk of a prompt.
    public let algorithm: ChunkHashAlgorithm
    /// The tokens between two segments.
    public let separator: TokenArray
    private let search: TokenSearch

    /// `false`: a segment is of use wherever it stands.
    public var isPrefixBound: Bool { false }

    /// Creates a token database.
    ///
    /// - Parameters:
    ///   - scope: Everything in the keys but the hash.
    ///   - algorithm: How segments are hashed.
    ///   - separator: The tokens of LMCache's `blend_special_str`, without the token that begins a text.
    /// - Throws: ``HashingError`` `invalidSeparator` if the separator is empty.
    public init(
        scope: KeyScope,
        algorithm: ChunkHashAlgorithm,
        separator: TokenArray
    ) throws(HashingError) {
        guard separator.count > 0 else {
            throw HashingError(.invalidSeparator, "a separator of no tokens; give at least one")
        }
        self.scope = scope
        self.algorithm = algorithm
        self.separator = separator
        search = TokenSearch(for: separator)
    }

    /// Returns the segments of a prompt with their keys, in order, but for those of its first `falseCount`
    /// tokens.
    ///
    /// - Throws: ``HashingError`` — `invalidMask`, `misalignedMask` if `falseCount` cuts a segment, or
    ///   `tokenOutOfRange`.
    /// - Complexity: O(tokens); the hashing is done as the result is walked.
    public func processTokens(
        _ tokens: TokenArray,
        skippingFirst falseCount: Int
    ) throws(HashingError) -> KeyedChunks {
        guard (0...tokens.count).contains(falseCount) else {
            throw HashingError(.invalidMask, "\(falseCount) masked of \(tokens.count) tokens")
        }
        guard !algorithm.takesOnlyUInt32 || tokens.fitsUInt32 else { throw algorithm.tokenOutOfRange }
        let segments = search.segments(of: tokens)
        if let cut = segments.first(where: { $0.lowerBound < falseCount && falseCount < $0.upperBound }) {
            throw HashingError(.misalignedMask, "\(falseCount) masked tokens cut the segment \(cut)")
        }
        let wanted = segments.filter { $0.lowerBound >= falseCount }
        return KeyedChunks(segments: wanted, of: tokens, algorithm: algorithm, scope: scope)
    }
}
