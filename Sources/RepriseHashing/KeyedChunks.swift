internal import RepriseCore

/// The chunks of a prompt with their keys, each hashed when it is asked for.
public struct KeyedChunks: Sequence, Sendable {
    private enum Source {
        case chained(ChunkHashes, KeyScope)
        case segments(SegmentHashes, KeyScope)
        case given([KeyedChunk])
    }

    private let source: Source

    internal init(chunks: ChunkHashes, scope: KeyScope) {
        source = .chained(chunks, scope)
    }

    internal init(
        segments: [Range<Int>],
        of tokens: TokenArray,
        algorithm: ChunkHashAlgorithm,
        scope: KeyScope
    ) {
        source = .segments(SegmentHashes(tokens: tokens, ranges: segments, algorithm: algorithm), scope)
    }

    /// Holds chunks whose keys are known, for token databases of one's own.
    public init(_ chunks: [KeyedChunk]) {
        source = .given(chunks)
    }

    /// Starts at the first chunk.
    public func makeIterator() -> Iterator {
        switch source {
        case .chained(let chunks, let scope): Iterator(scope, chained: chunks.makeIterator())
        case .segments(let segments, let scope): Iterator(scope, segments: segments)
        case .given(let chunks): Iterator(nil, given: chunks[...])
        }
    }

    /// Hashes one chunk a step.
    public struct Iterator: IteratorProtocol, Sendable {
        private let scope: KeyScope?
        // One of them. No enum: taking its payload out to change it would copy the hasher's memory.
        private var chained: ChunkHashes.Iterator?
        private var segments: SegmentHashes?
        private var given: ArraySlice<KeyedChunk>

        internal init(
            _ scope: KeyScope?,
            chained: ChunkHashes.Iterator? = nil,
            segments: SegmentHashes? = nil,
            given: ArraySlice<KeyedChunk> = []
        ) {
            self.scope = scope
            self.chained = chained
            self.segments = segments
            self.given = given
        }

        /// Hashes the next chunk and returns it with its key.
        ///
        /// - Complexity: O(tokens of the chunk).
        public mutating func next() -> KeyedChunk? {
            guard let scope else { return given.popFirst() }
            guard let hashed = chained?.next() ?? segments?.next() else { return nil }
            return KeyedChunk(
                range: hashed.range,
                key: CacheEngineKey(scope: scope, computedHash: hashed.hash)
            )
        }
    }
}

/// Segments of a prompt that are hashed each for itself.
internal struct SegmentHashes: IteratorProtocol, Sendable {
    let tokens: TokenArray
    let ranges: [Range<Int>]
    let algorithm: ChunkHashAlgorithm
    private var position = 0

    init(tokens: TokenArray, ranges: [Range<Int>], algorithm: ChunkHashAlgorithm) {
        (self.tokens, self.ranges, self.algorithm) = (tokens, ranges, algorithm)
    }

    mutating func next() -> HashedChunk? {
        guard position < ranges.count else { return nil }
        defer { position += 1 }
        var hasher = ChunkHasher(algorithm)
        return HashedChunk(range: ranges[position], hash: hasher.next(ranges[position], of: tokens))
    }
}
