/// The 32 bytes of a SHA-256 or BLAKE3 hash.
public struct ChunkDigest: Hashable, Sendable, BitwiseCopyable {
    /// How many bytes a digest has.
    public static let byteCount = 32

    private let word0, word1, word2, word3: UInt64

    /// Creates a digest from four words, the first byte being the top byte of the first word.
    public init(bigEndianWords word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
        (self.word0, self.word1, self.word2, self.word3) = (word0, word1, word2, word3)
    }

    /// Creates a digest by copying 32 bytes.
    ///
    /// - Precondition: `span` has exactly 32 bytes, or this traps.
    public init(copying span: RawSpan) {
        precondition(span.byteCount == ChunkDigest.byteCount, "a digest has 32 bytes")
        word0 = span.loadLittleEndian(at: 0, as: UInt64.self).byteSwapped
        word1 = span.loadLittleEndian(at: 8, as: UInt64.self).byteSwapped
        word2 = span.loadLittleEndian(at: 16, as: UInt64.self).byteSwapped
        word3 = span.loadLittleEndian(at: 24, as: UInt64.self).byteSwapped
    }

    /// The bytes as four words, the first byte being the top byte of the first word.
    public var bigEndianWords: (UInt64, UInt64, UInt64, UInt64) { (word0, word1, word2, word3) }

    /// The bytes in order.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(ChunkDigest.byteCount)
        for word in [word0, word1, word2, word3] {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word &>> UInt64(shift)))
            }
        }
        return bytes
    }
}
