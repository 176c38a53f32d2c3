internal import Crypto
internal import RepriseCore

/// SHA-256 over spans, by swift-crypto, which takes pointers.
internal struct SHA256Hasher {
    private var state = SHA256()

    mutating func update(_ bytes: RawSpan) {
        // SAFETY: the pointer is not kept beyond the closure.
        unsafe bytes.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
    }

    consuming func finish() -> ChunkDigest {
        // SAFETY: as above.
        unsafe state.finalize().withUnsafeBytes { unsafe ChunkDigest(copying: $0.bytes) }
    }

    static func hash(_ bytes: RawSpan) -> ChunkDigest {
        var hasher = SHA256Hasher()
        hasher.update(bytes)
        return hasher.finish()
    }
}
