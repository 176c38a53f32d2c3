internal import RepriseCore

/// The chunks of a prompt with their keys, each hashed when it is asked for.
public struct KeyedChunks: Sequence, Sendable {
    private let chunks: ChunkHashes
    private let scope: KeyScope

    internal init(chunks: ChunkHashes, scope: KeyScope) {
        self.chunks = chunks
        self.scope = scope
    }

    /// Starts at the first chunk.
    public func makeIterator() -> Iterator {
        Iterator(chunks: chunks.makeIterator(), scope: scope)
    }

    /// Hashes one chunk a step.
    public struct Iterator: IteratorProtocol, Sendable {
        private var chunks: ChunkHashes.Iterator
        private let scope: KeyScope

        internal init(chunks: ChunkHashes.Iterator, scope: KeyScope) {
            self.chunks = chunks
            self.scope = scope
        }

        /// Hashes the next chunk and returns it with its key.
        ///
        /// - Complexity: O(tokens of the chunk).
        public mutating func next() -> KeyedChunk? {
            guard let chunk = chunks.next() else { return nil }
            return KeyedChunk(
                range: chunk.range,
                key: CacheEngineKey(scope: scope, computedHash: chunk.hash)
            )
        }
    }
}
