/// The state of SipHash-1-3: one round a word, three at the end.
///
/// - Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF".
internal struct SipState {
    private var v0, v1, v2, v3: UInt64

    init(key: (UInt64, UInt64)) {
        v0 = key.0 ^ 0x736F_6D65_7073_6575
        v1 = key.1 ^ 0x646F_7261_6E64_6F6D
        v2 = key.0 ^ 0x6C79_6765_6E65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    mutating func absorb(_ word: UInt64) {
        v3 ^= word
        round()
        v0 ^= word
    }

    mutating func finish() -> UInt64 {
        v2 ^= 0xFF
        round()
        round()
        round()
        return v0 ^ v1 ^ v2 ^ v3
    }

    private mutating func round() {
        v0 = v0 &+ v1
        v1 = SipState.rotate(v1, by: 13) ^ v0
        v0 = SipState.rotate(v0, by: 32)
        v2 = v2 &+ v3
        v3 = SipState.rotate(v3, by: 16) ^ v2
        v0 = v0 &+ v3
        v3 = SipState.rotate(v3, by: 21) ^ v0
        v2 = v2 &+ v1
        v1 = SipState.rotate(v1, by: 17) ^ v2
        v2 = SipState.rotate(v2, by: 32)
    }

    private static func rotate(_ word: UInt64, by count: UInt64) -> UInt64 {
        word &<< count | word &>> (64 - count)
    }
}
