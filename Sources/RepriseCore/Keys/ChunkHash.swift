/// The hash of a chunk and of everything before it, as a key carries it.
///
/// LMCache's hashes differ in kind with version and algorithm: a signed 64-bit integer (`builtin`), an
/// unsigned one (`sha256_cbor`), 32 bytes (the SHA-256 chains, `blake3`), and in its first versions any text
/// at all. Each text form belongs to exactly one of these kinds here, so that equal texts make equal hashes
/// and every hash keeps its text exactly.
///
/// - Source: LMCache `lmcache/utils.py`.
public struct ChunkHash: Hashable, Sendable {
    /// The disjoint kinds; ``ChunkHash/init(text:)`` picks the first that can hold a text exactly.
    internal enum Content: Hashable, Sendable {
        /// Shortest lowercase hexadecimal with an optional minus sign. Zero is not negative.
        case integer(magnitude: UInt64, isNegative: Bool)
        /// Exactly 64 lowercase hexadecimal digits.
        case digest(ChunkDigest)
        /// Anything else: visible ASCII without `@`.
        case text([UInt8])
    }

    internal let content: Content

    /// Creates the hash that a signed integer is.
    public init(_ value: Int64) {
        content = .integer(magnitude: value.magnitude, isNegative: value < 0)
    }

    /// Creates the hash that an unsigned integer is.
    public init(_ value: UInt64) {
        content = .integer(magnitude: value, isNegative: false)
    }

    /// Creates the hash that 32 bytes are.
    public init(_ digest: ChunkDigest) {
        content = .digest(digest)
    }

    internal init(content: Content) {
        self.content = content
    }

    /// The hash as a signed integer, or `nil` if it is no integer or does not fit.
    public var signedInteger: Int64? {
        guard case .integer(let magnitude, let isNegative) = content else { return nil }
        if !isNegative { return Int64(exactly: magnitude) }
        return magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
    }

    /// The hash as an unsigned integer, or `nil` if it is none.
    public var unsignedInteger: UInt64? {
        guard case .integer(let magnitude, let isNegative) = content, !isNegative else { return nil }
        return magnitude
    }

    /// The hash as 32 bytes, or `nil` if it is of another kind.
    public var digest: ChunkDigest? {
        guard case .digest(let digest) = content else { return nil }
        return digest
    }
}
