/// A fast 64-bit hash keyed with a secret that each process draws at start.
///
/// Folded 64 × 64 → 128 bit multiplications over 16-byte steps, the construction known from wyhash. It is no
/// proof of equality (the index compares whole keys) and no cryptographic hash; the secret makes collisions
/// impractical to prepare from outside.
public enum Fingerprint {
    // Two odd constants with balanced bits (splitmix64's), so that a zero input word does not fold to zero.
    private static let stepA: UInt64 = 0x9E37_79B9_7F4A_7C15
    private static let stepB: UInt64 = 0xBF58_476D_1CE4_E5B9

    private static let secret: (UInt64, UInt64) = {
        var generator = SystemRandomNumberGenerator()
        return (generator.next(), generator.next())
    }()

    /// Returns the fingerprint of `bytes` under this process's secret.
    ///
    /// - Complexity: O(bytes).
    public static func of(_ bytes: RawSpan) -> UInt64 {
        let (seedA, seedB) = secret
        let byteCount = bytes.byteCount
        var state = seedA ^ UInt64(truncatingIfNeeded: byteCount) &* stepA
        var offset = 0
        while offset &+ 16 <= byteCount {
            // SAFETY: the loop condition leaves 16 bytes at `offset`.
            let low = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            // SAFETY: as above.
            let high = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ 8, as: UInt64.self)
            state = fold(low ^ stepA ^ state, high ^ seedB)
            offset &+= 16
        }
        let (low, high) = tail(of: bytes, from: offset)
        state = fold(low ^ stepB ^ state, high ^ seedB)
        return fold(state ^ seedA, stepB ^ UInt64(truncatingIfNeeded: byteCount))
    }

    /// The last 0 to 15 bytes, as two little-endian words padded with zeros.
    private static func tail(of bytes: RawSpan, from start: Int) -> (UInt64, UInt64) {
        var words: (UInt64, UInt64) = (0, 0)
        var offset = start
        if offset &+ 8 <= bytes.byteCount {
            // SAFETY: the condition leaves 8 bytes at `offset`.
            words.0 = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            offset &+= 8
            words.1 = rest(of: bytes, from: offset)
        } else {
            words.0 = rest(of: bytes, from: offset)
        }
        return words
    }

    private static func rest(of bytes: RawSpan, from start: Int) -> UInt64 {
        var word: UInt64 = 0
        var shift: UInt64 = 0
        for offset in start..<bytes.byteCount {
            // SAFETY: the range ends at the span's last byte.
            word |= UInt64(unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)) &<< shift
            shift &+= 8
        }
        return word
    }

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
