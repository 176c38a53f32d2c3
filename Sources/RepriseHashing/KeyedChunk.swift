public import RepriseCore

/// A chunk of a prompt and the key under which it is stored.
public struct KeyedChunk: Hashable, Sendable {
    /// Which tokens of the prompt it holds.
    public let range: Range<Int>
    /// Names the keys and values of these tokens, given all before them or for themselves.
    public let key: CacheEngineKey

    /// Names a chunk.
    public init(range: Range<Int>, key: CacheEngineKey) {
        self.range = range
        self.key = key
    }
}
