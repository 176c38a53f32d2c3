/// CPython's hashes of integers, texts and tuples, on a 64-bit build.
///
/// - Source: CPython 3.11 `Python/pyhash.c`, `Python/bootstrap_hash.c`, `Objects/tupleobject.c`.
internal struct PythonHash {
    // The primes of xxHash, on whose rounds CPython's tuple hash is built.
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5
    private static let lengthMask: UInt64 = prime5 ^ 3_527_539
    private static let modulus: UInt64 = 1 &<< 61 &- 1

    /// hash(()).
    static let emptyTuple = finish(prime5, count: 0)

    private let key: (UInt64, UInt64)

    /// Creates the hashes of a process started with `PYTHONHASHSEED=seed`; only those of texts depend on it.
    init(seed: UInt32) {
        var state = seed
        var words: (UInt64, UInt64) = (0, 0)
        if seed != 0 {
            for index in 0..<16 {
                state = state &* 214_013 &+ 2_531_011
                let byte = UInt64(state &>> 16 & 0xFF) &<< UInt64(index % 8 * 8)
                if index < 8 { words.0 |= byte } else { words.1 |= byte }
            }
        }
        key = words
    }

    /// hash((previous, tuple(tokens), ())).
    ///
    /// - Complexity: O(tokens), one dependent multiplication each.
    static func chunk<Token: FixedWidthInteger>(after previous: Int64, _ tokens: Span<Token>) -> Int64 {
        var inner = prime5
        for index in tokens.indices {
            inner = round(inner, integer(tokens[index]))
        }
        inner = finish(inner, count: tokens.count)
        var outer = round(prime5, integer(previous))
        outer = round(outer, inner)
        outer = round(outer, emptyTuple)
        return Int64(bitPattern: finish(outer, count: 3))
    }

    /// hash(value), as a lane of a tuple's hash.
    @inline(__always)
    private static func integer<Value: FixedWidthInteger>(_ value: Value) -> UInt64 {
        let magnitude = UInt64(truncatingIfNeeded: value.magnitude)
        guard Value.isSigned || Value.bitWidth > 32 else { return magnitude }
        let reduced = magnitude < modulus ? magnitude : magnitude % modulus
        guard value < 0 else { return reduced }
        // -1 reports an error inside CPython, so that no value hashes to it.
        return reduced == 1 ? UInt64(bitPattern: -2) : 0 &- reduced
    }

    @inline(__always)
    private static func round(_ state: UInt64, _ lane: UInt64) -> UInt64 {
        let sum = state &+ lane &* prime2
        return (sum &<< 31 | sum &>> 33) &* prime1
    }

    private static func finish(_ state: UInt64, count: Int) -> UInt64 {
        let hash = state &+ (UInt64(count) ^ lengthMask)
        return hash == .max ? 1_546_275_796 : hash
    }

    /// hash(text) of a text whose characters are all below U+0100, given as one byte each: SipHash-1-3.
    func hash(ofLatin1 text: [UInt8]) -> Int64 {
        guard !text.isEmpty else { return 0 }
        var state = SipState(key: key)
        var word: UInt64 = 0
        for (index, byte) in text.enumerated() {
            word |= UInt64(byte) &<< UInt64(index % 8 * 8)
            if index % 8 == 7 {
                state.absorb(word)
                word = 0
            }
        }
        state.absorb(word | UInt64(truncatingIfNeeded: text.count) &<< 56)
        let hash = Int64(bitPattern: state.finish())
        return hash == -1 ? -2 : hash
    }
}
