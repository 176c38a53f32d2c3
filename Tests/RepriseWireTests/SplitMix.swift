import RepriseCore
import RepriseWire

/// A small random generator whose numbers follow from its seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// Any 32 bits, small numbers and the edges more often than others.
    mutating func number() -> Int32 {
        switch Int.random(in: 0..<4, using: &self) {
        case 0: Int32.random(in: 0..<9, using: &self)
        case 1: [0, -1, .max, .min, 0x2020_2020, 0x1F20_2020].randomElement(using: &self) ?? 0
        case 2: Int32.random(in: 0..<5000, using: &self)
        default: Int32(truncatingIfNeeded: next())
        }
    }

    /// Metadata with any numbers.
    mutating func metadata() -> MemoryObjectMetadata {
        let words = SIMD4(number(), number(), number(), number())
        return MemoryObjectMetadata(
            verbatimFormat: number(),
            dtype: number(),
            shape: TensorShape(verbatim: words),
            origin: .lm
        )
    }

    /// A request of any kind, or `nil` if the client refuses to make it.
    mutating func request() -> LMRequest? {
        let command = LMCommand.allCases.randomElement(using: &self) ?? .put
        let byteCount = Int.random(in: 0...40, using: &self)
        let letters = Array("abcXYZ019@/-. ü\u{1}é\u{4E2D}")
        let key = String((0..<byteCount).map { _ in letters.randomElement(using: &self) ?? "a" })
        let payloadByteCount = command == .put ? Int.random(in: 0...40, using: &self) : 0
        return try? LMRequest(
            command,
            key: StorageKey(key),
            metadata: metadata(),
            payloadByteCount: payloadByteCount
        )
    }
}
