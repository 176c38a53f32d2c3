public import RepriseRemote

/// What a block of a given id and size holds: every byte follows from the two, so that any other byte is
/// wrong.
///
/// The block is a sequence of little-endian 64-bit words: the id, the byte count, then one word for each
/// place, all of them different for another id. A rest of fewer than 8 bytes holds a word's first bytes.
public struct BlockContent: Sendable {
    /// The block's id.
    public let id: UInt64
    /// The block's size in bytes.
    public let byteCount: Int
    private let seed: UInt64

    // 2^64 divided by the golden ratio, odd: multiples of it visit all words (Weyl's sequence, as in
    // splitmix64).
    private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15
    private typealias Words = SIMD8<UInt64>

    /// Describes a block.
    ///
    /// - Precondition: `byteCount` is not negative.
    public init(id: UInt64, byteCount: Int) {
        precondition(byteCount >= 0, "a block of \(byteCount) bytes")
        self.id = id
        self.byteCount = byteCount
        var mixed = id &+ UInt64(byteCount) &* BlockContent.step
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        seed = mixed ^ (mixed >> 31)
    }

    /// Writes the block into `buffer`, from `start` on.
    ///
    /// - Precondition: the buffer holds it there.
    /// - Complexity: O(bytes), about 0.1 ns a byte.
    public func fill(_ buffer: inout TransferBuffer, at start: Int = 0) {
        precondition(
            start >= 0 && start <= buffer.byteCapacity - byteCount,
            "a block does not fit at \(start)"
        )
        var bytes = buffer.mutablePrefix(start + byteCount)
        // SAFETY: every store lies within the view by the precondition and the loops' bounds.
        unsafe bytes.withUnsafeMutableBytes { bytes in
            let wordCount = byteCount / 8
            var index = 0
            while index + Words.scalarCount <= wordCount {
                unsafe bytes.storeBytes(
                    of: words(from: index),
                    toByteOffset: start + index * 8,
                    as: Words.self
                )
                index += Words.scalarCount
            }
            // SAFETY: as above.
            for offset in (index * 8)..<byteCount { unsafe bytes[start + offset] = byte(offset) }
        }
    }

    /// How many bytes of `bytes` are not as they must be; bytes that are missing or too many count as well.
    ///
    /// - Complexity: O(bytes), about 0.1 ns a byte if all are right.
    public func wrongByteCount(in bytes: RawSpan) -> Int {
        guard bytes.byteCount == byteCount else {
            return max(bytes.byteCount, byteCount) - min(bytes.byteCount, byteCount) + countWrong(bytes)
        }
        // SAFETY: every load lies within the view by the loops' bounds.
        let isRight = unsafe bytes.withUnsafeBytes { bytes in
            let wordCount = byteCount / 8
            var difference = Words.zero
            var index = 0
            while index + Words.scalarCount <= wordCount {
                let loaded = unsafe bytes.loadUnaligned(fromByteOffset: index * 8, as: Words.self)
                difference |= loaded ^ words(from: index)
                index += Words.scalarCount
            }
            guard difference == .zero else { return false }
            // SAFETY: as above.
            for offset in (index * 8)..<byteCount where unsafe bytes[offset] != byte(offset) { return false }
            return true
        }
        return isRight ? 0 : countWrong(bytes)
    }

    private func countWrong(_ bytes: RawSpan) -> Int {
        // SAFETY: the range ends at the shorter of both.
        unsafe bytes.withUnsafeBytes { bytes in
            (0..<min(bytes.count, byteCount)).count { unsafe bytes[$0] != byte($0) }
        }
    }

    @inline(__always)
    private func words(from index: Int) -> Words {
        let first = seed &+ UInt64(truncatingIfNeeded: index) &* BlockContent.step
        var words = Words(repeating: first) &+ BlockContent.lanes
        words ^= words &>> 29
        if index == 0 {
            words[0] = id
            words[1] = UInt64(byteCount)
        }
        return words
    }

    @inline(__always)
    private static var lanes: Words { Words(0, 1, 2, 3, 4, 5, 6, 7) &* Words(repeating: step) }

    private func word(_ index: Int) -> UInt64 {
        if index < 2 { return index == 0 ? id : UInt64(byteCount) }
        let word = seed &+ UInt64(truncatingIfNeeded: index) &* BlockContent.step
        return word ^ (word >> 29)
    }

    private func byte(_ offset: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: word(offset / 8) >> UInt64(offset % 8 * 8))
    }
}
