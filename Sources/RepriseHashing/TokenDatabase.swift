internal import RepriseCore

/// Turns prompts into keys: says which tokens are one chunk, and hashes each.
///
/// - Source: LMCache `lmcache/v1/token_database.py` (`TokenDatabase`).
public protocol TokenDatabase: Sendable {
    /// Whether a chunk's key stands for all tokens before it, too, so that a chunk is of use only behind all
    /// those before it.
    var isPrefixBound: Bool { get }

    /// Returns the chunks of a prompt with their keys, in order, but for those of its first `falseCount`
    /// tokens.
    ///
    /// - Throws: ``HashingError`` — `invalidMask` if `falseCount` is negative or exceeds the tokens,
    ///   `misalignedMask` if it cuts a chunk, `tokenOutOfRange` if the algorithm takes unsigned 32-bit tokens
    ///   and one is not.
    func processTokens(
        _ tokens: TokenArray,
        skippingFirst falseCount: Int
    ) throws(HashingError) -> KeyedChunks
}

extension TokenDatabase {
    /// Returns the chunks of a prompt with their keys, in order.
    ///
    /// - Throws: as ``processTokens(_:skippingFirst:)``.
    public func processTokens(_ tokens: TokenArray) throws(HashingError) -> KeyedChunks {
        try processTokens(tokens, skippingFirst: 0)
    }

    /// Returns the chunks of a prompt with their keys, in order, but for those of the tokens that `mask`
    /// leaves out.
    ///
    /// - Parameters:
    ///   - tokens: The whole prompt.
    ///   - mask: One value per token: `false` for a number of whole chunks at the start, then `true`.
    /// - Throws: ``HashingError`` — `invalidMask` for a mask of another length or form, and what
    ///   ``processTokens(_:skippingFirst:)`` throws.
    /// - Complexity: O(tokens) for the mask.
    public func processTokens(_ tokens: TokenArray, mask: [Bool]) throws(HashingError) -> KeyedChunks {
        try processTokens(tokens, skippingFirst: try tokens.falseCount(of: mask))
    }
}

extension TokenArray {
    /// How many tokens a mask leaves out, which has one value for each: `false` for some at the start, then
    /// `true`.
    ///
    /// - Throws: ``HashingError`` `invalidMask` for a mask of another length or form.
    /// - Complexity: O(tokens).
    public func falseCount(of mask: [Bool]) throws(HashingError) -> Int {
        guard mask.count == count else {
            throw HashingError(.invalidMask, "a mask of \(mask.count) values for \(count) tokens")
        }
        let falseCount = mask.firstIndex(of: true) ?? mask.count
        guard !mask[falseCount...].contains(false) else {
            throw HashingError(.invalidMask, "after its first true a mask holds nothing but true")
        }
        return falseCount
    }
}
