public import RepriseCore

/// Hashes chunk after chunk of one prompt; each hash covers all chunks so far.
public struct ChunkHasher: Sendable {
    /// The algorithm, with the hash on which the next one builds; the first of a SHA-256 chain builds on
    /// none.
    private enum Link {
        case sha256Int64(ChunkDigest?)
        case sha256UInt32(ChunkDigest?)
        case builtin(Int64)
        case sha256CBOR(UInt64)
        case blake3(ChunkDigest)
    }

    /// The algorithm of the chain.
    public let algorithm: ChunkHashAlgorithm
    private var link: Link
    // Memory kept from chunk to chunk for the forms that differ from the tokens as they lie.
    private var encoder = CBOREncoder()
    private var prefixText: [UInt8] = []
    private var words32: [UInt32] = []
    private var words64: [Int64] = []

    /// Starts a chain.
    public init(_ algorithm: ChunkHashAlgorithm) {
        self.algorithm = algorithm
        link =
            switch algorithm {
            case .sha256Int64: .sha256Int64(nil)
            case .sha256UInt32: .sha256UInt32(nil)
            case .builtin(let noneHash): .builtin(noneHash)
            case .sha256CBOR(let noneHash): .sha256CBOR(noneHash)
            case .blake3: .blake3(ChunkHasher.blake3NoneHash)
            }
    }

    /// Goes on with a chain from the hash of its last chunk.
    ///
    /// - Throws: ``HashingError`` `invalidPrefix` if the hash is not of the kind that the algorithm makes.
    public init(_ algorithm: ChunkHashAlgorithm, after hash: ChunkHash) throws(HashingError) {
        let link: Link? =
            switch algorithm {
            case .sha256Int64: hash.digest.map(Link.sha256Int64)
            case .sha256UInt32: hash.digest.map(Link.sha256UInt32)
            case .builtin: hash.signedInteger.map(Link.builtin)
            case .sha256CBOR: hash.unsignedInteger.map(Link.sha256CBOR)
            case .blake3: hash.digest.map(Link.blake3)
            }
        guard let link else {
            throw HashingError(.invalidPrefix, "'\(hash)' is no hash of \(algorithm.name)")
        }
        self.init(algorithm)
        self.link = link
    }

    /// The hash before the first chunk: BLAKE3 of `Int64` 0 and one token 0.
    private static let blake3NoneHash = BLAKE3.hash([UInt8](repeating: 0, count: 12).rawSpan)

    /// The hash on which the next one builds, or `nil` before the first chunk of a SHA-256 chain.
    public var last: ChunkHash? {
        switch link {
        case .sha256Int64(let digest), .sha256UInt32(let digest): digest.map(ChunkHash.init)
        case .builtin(let hash): ChunkHash(hash)
        case .sha256CBOR(let hash): ChunkHash(hash)
        case .blake3(let digest): ChunkHash(digest)
        }
    }

    /// Hashes the next chunk.
    ///
    /// - Complexity: O(tokens).
    public mutating func next(_ tokens: Span<UInt32>) -> ChunkHash {
        step(tokens)
    }

    /// Hashes the next chunk.
    ///
    /// - Throws: ``HashingError`` `tokenOutOfRange` if the algorithm takes unsigned 32-bit tokens and one is
    ///   not; the chain is then unchanged.
    /// - Complexity: O(tokens).
    public mutating func next(_ tokens: Span<Int64>) throws(HashingError) -> ChunkHash {
        guard !algorithm.takesOnlyUInt32 || tokens.fitsUInt32 else { throw algorithm.tokenOutOfRange }
        return step(tokens)
    }

    /// Hashes the next chunk, whose tokens the algorithm is known to take.
    internal mutating func next(_ range: Range<Int>, of tokens: TokenArray) -> ChunkHash {
        switch tokens.storage {
        case .uint32(let tokens): step(tokens.span.extracting(range))
        case .int64(let tokens): step(tokens.span.extracting(range))
        }
    }

    // Generic, but called with two concrete types and in this module only: the optimiser specialises it.
    private mutating func step<Token: FixedWidthInteger & BitwiseCopyable>(_ tokens: Span<Token>) -> ChunkHash
    {
        switch link {
        case .sha256Int64(let previous):
            let digest = sha256Int64(after: previous, tokens)
            link = .sha256Int64(digest)
            return ChunkHash(digest)
        case .sha256UInt32(let previous):
            let digest = sha256UInt32(after: previous, tokens)
            link = .sha256UInt32(digest)
            return ChunkHash(digest)
        case .builtin(let previous):
            let hash = PythonHash.chunk(after: previous, tokens)
            link = .builtin(hash)
            return ChunkHash(hash)
        case .sha256CBOR(let previous):
            encoder.encode(chunkAfter: previous, tokens)
            let hash = SHA256Hasher.hash(encoder.bytes).bigEndianWords.0
            link = .sha256CBOR(hash)
            return ChunkHash(hash)
        case .blake3(let previous):
            let digest = blake3(after: previous, tokens)
            link = .blake3(digest)
            return ChunkHash(digest)
        }
    }

    private mutating func sha256Int64<Token: FixedWidthInteger & BitwiseCopyable>(
        after previous: ChunkDigest?,
        _ tokens: Span<Token>
    ) -> ChunkDigest {
        guard Token.bitWidth != 64 else { return sha256(after: previous, tokens.rawBytes) }
        words64.put(tokens, at: 0) { Int64(truncatingIfNeeded: $0).littleEndian }
        let converted = words64
        return sha256(after: previous, converted.span.extracting(0..<tokens.count).rawBytes)
    }

    private mutating func sha256UInt32<Token: FixedWidthInteger & BitwiseCopyable>(
        after previous: ChunkDigest?,
        _ tokens: Span<Token>
    ) -> ChunkDigest {
        guard Token.bitWidth != 32 else { return sha256(after: previous, tokens.rawBytes) }
        words32.put(tokens, at: 0) { UInt32(truncatingIfNeeded: $0).littleEndian }
        let converted = words32
        return sha256(after: previous, converted.span.extracting(0..<tokens.count).rawBytes)
    }

    /// SHA-256 of the previous hash's hexadecimal text, if there is one, and a chunk's bytes.
    private mutating func sha256(after previous: ChunkDigest?, _ bytes: RawSpan) -> ChunkDigest {
        var hasher = SHA256Hasher()
        if let previous {
            prefixText.removeAll(keepingCapacity: true)
            ChunkHash(previous).append(to: &prefixText)
            hasher.update(prefixText.rawSpan)
        }
        hasher.update(bytes)
        return hasher.finish()
    }

    private mutating func blake3<Token: FixedWidthInteger & BitwiseCopyable>(
        after previous: ChunkDigest,
        _ tokens: Span<Token>
    ) -> ChunkDigest {
        let prefixWordCount = ChunkDigest.byteCount / 4
        words32.put(tokens, at: prefixWordCount) { UInt32(truncatingIfNeeded: $0).bigEndian }
        let words = previous.bigEndianWords
        for (index, word) in [words.0, words.1, words.2, words.3].enumerated() {
            words32[2 * index] = UInt32(truncatingIfNeeded: word &>> 32).bigEndian
            words32[2 * index + 1] = UInt32(truncatingIfNeeded: word).bigEndian
        }
        return BLAKE3.hash(words32.span.extracting(0..<(prefixWordCount + tokens.count)).rawBytes)
    }
}
