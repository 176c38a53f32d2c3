/// The blocks in which a request's tokens lie, each with room for the same number of tokens.
///
/// Token `t` lies in slot `blocks[t / blockSize] * blockSize + t % blockSize`.
///
/// - Source: vLLM's block tables (`vllm/v1/worker/block_table.py`).
public struct BlockTable: Hashable, Sendable {
    /// Tokens that a block has room for.
    public let blockSize: Int
    /// The number of each block, in the order of the request's tokens.
    public let blocks: [Int]

    /// Creates a block table.
    ///
    /// - Precondition: `blockSize` is positive, or this traps.
    public init(blockSize: Int, blocks: [Int]) {
        precondition(blockSize > 0, "a block has room for tokens")
        self.blockSize = blockSize
        self.blocks = blocks
    }
}

/// Where the tokens of a request lie in a paged cache.
public enum PagedPlacement: Hashable, Sendable {
    /// The slot of each token: a slot mapping.
    case slots([Int])
    /// The block of each few tokens.
    case blocks(BlockTable)
}
