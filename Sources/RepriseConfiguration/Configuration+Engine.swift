extension Configuration {
    /// What is told to the caching side of an inference engine; a node needs none of it.
    public struct Engine: Sendable {
        /// Tokens of a chunk.
        public internal(set) var chunkSize = 256
        /// Whether the engine's process keeps values in its own memory.
        public internal(set) var keepsInMemory = true
        /// Whether what decoding adds is stored, too.
        public internal(set) var savesDecodeCache = false
        /// Whether a last chunk that is not full is stored; `nil`: as the hash algorithm's versions do.
        public internal(set) var savesUnfullChunk: Bool?
        /// Whether layers are stored and retrieved one by one.
        public internal(set) var usesLayers = false
        /// The name of the chunks' hash algorithm.
        public internal(set) var hashAlgorithm = "builtin"
        /// The least hit, in tokens, that is worth retrieving.
        public internal(set) var retrievedTokenCountMin = 0
        /// How long a pin lasts at most.
        public internal(set) var pinTimeout: Duration = .seconds(300)
        /// The name of the engine's instance.
        public internal(set) var instanceID: String?
    }
}
