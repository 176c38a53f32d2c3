public import RepriseCore

/// A chunk of a prompt and its hash.
public struct HashedChunk: Hashable, Sendable {
    /// Which tokens of the prompt it holds.
    public let range: Range<Int>
    /// The hash of these tokens and all before them.
    public let hash: ChunkHash
}
