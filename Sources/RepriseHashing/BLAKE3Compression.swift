/// BLAKE3's compression function.
///
/// The words are named one by one and not kept in vectors: as locals they stay in registers, which measured
/// more than twice as fast as rows of four, whose turns the optimiser takes apart.
///
/// - Source: the BLAKE3 paper § 2.2.
internal enum BLAKE3Compression {
    /// What a block is within its tree.
    struct Flags: OptionSet {
        let rawValue: UInt32
        static let leafStart = Flags(rawValue: 1)
        static let leafEnd = Flags(rawValue: 2)
        static let parent = Flags(rawValue: 4)
        static let root = Flags(rawValue: 8)
    }

    /// SHA-256's initial value.
    static let initialValue = SIMD8<UInt32>(
        0x6A09_E667,
        0xBB67_AE85,
        0x3C6E_F372,
        0xA54F_F53A,
        0x510E_527F,
        0x9B05_688C,
        0x1F83_D9AB,
        0x5BE0_CD19
    )

    /// A block as the current round reads it.
    private struct Message {
        var m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15: UInt32

        init(_ block: SIMD16<UInt32>) {
            (m0, m1, m2, m3) = (block[0], block[1], block[2], block[3])
            (m4, m5, m6, m7) = (block[4], block[5], block[6], block[7])
            (m8, m9, m10, m11) = (block[8], block[9], block[10], block[11])
            (m12, m13, m14, m15) = (block[12], block[13], block[14], block[15])
        }

        /// The order in which the next round reads the block.
        @inline(__always)
        mutating func permute() {
            (m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15) = (
                m2, m6, m3, m10, m7, m0, m4, m13, m1, m11, m12, m5, m9, m14, m15, m8
            )
        }
    }

    /// The state, four rows of four words.
    private struct State {
        var v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15: UInt32

        init(_ value: SIMD8<UInt32>, _ index: UInt64, _ byteCount: Int, _ flags: Flags) {
            (v0, v1, v2, v3) = (value[0], value[1], value[2], value[3])
            (v4, v5, v6, v7) = (value[4], value[5], value[6], value[7])
            (v8, v9, v10, v11) = (0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A)
            (v12, v13) = (UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index &>> 32))
            (v14, v15) = (UInt32(truncatingIfNeeded: byteCount), flags.rawValue)
        }

        /// One round: columns, then diagonals.
        @inline(__always)
        mutating func round(_ m: Message) {
            BLAKE3Compression.mix(&v0, &v4, &v8, &v12, m.m0, m.m1)
            BLAKE3Compression.mix(&v1, &v5, &v9, &v13, m.m2, m.m3)
            BLAKE3Compression.mix(&v2, &v6, &v10, &v14, m.m4, m.m5)
            BLAKE3Compression.mix(&v3, &v7, &v11, &v15, m.m6, m.m7)
            BLAKE3Compression.mix(&v0, &v5, &v10, &v15, m.m8, m.m9)
            BLAKE3Compression.mix(&v1, &v6, &v11, &v12, m.m10, m.m11)
            BLAKE3Compression.mix(&v2, &v7, &v8, &v13, m.m12, m.m13)
            BLAKE3Compression.mix(&v3, &v4, &v9, &v14, m.m14, m.m15)
        }

        var folded: SIMD8<UInt32> {
            SIMD8(v0 ^ v8, v1 ^ v9, v2 ^ v10, v3 ^ v11, v4 ^ v12, v5 ^ v13, v6 ^ v14, v7 ^ v15)
        }
    }

    /// Returns the chaining value after a block; of the root, the first 32 bytes of output.
    static func compress(
        _ value: SIMD8<UInt32>,
        _ block: SIMD16<UInt32>,
        index: UInt64,
        byteCount: Int,
        flags: Flags
    ) -> SIMD8<UInt32> {
        var state = State(value, index, byteCount, flags)
        var message = Message(block)
        for _ in 0..<6 {
            state.round(message)
            message.permute()
        }
        state.round(message)
        return state.folded
    }

    /// The quarter round.
    @inline(__always)
    private static func mix(
        _ a: inout UInt32,
        _ b: inout UInt32,
        _ c: inout UInt32,
        _ d: inout UInt32,
        _ x: UInt32,
        _ y: UInt32
    ) {
        a = a &+ b &+ x
        d = rotate(d ^ a, by: 16)
        c = c &+ d
        b = rotate(b ^ c, by: 12)
        a = a &+ b &+ y
        d = rotate(d ^ a, by: 8)
        c = c &+ d
        b = rotate(b ^ c, by: 7)
    }

    @inline(__always)
    private static func rotate(_ word: UInt32, by count: UInt32) -> UInt32 {
        word &>> count | word &<< (32 &- count)
    }
}
