import RepriseCore
import RepriseEngine

/// Stands in for a model: computes keys and values that follow from a token and all tokens before it.
struct Model {
    static let dtype = DType.bfloat16

    /// Where its requests have their rows.
    let cache: PagedHostMemory

    /// Of four layers, each with one head of 128 elements.
    static func layout() throws -> PagedLayout {
        try PagedLayout(layerCount: 4, rowElementCount: 128, dtype: dtype)
    }

    /// For each token, a number that stands for it and for all tokens before it.
    static func states(of prompt: [UInt32]) -> [UInt64] {
        var state: UInt64 = 0
        return prompt.map { token in
            state = mixed(state ^ UInt64(token))
            return state
        }
    }

    /// Computes a token's rows in all layers.
    func compute(_ state: UInt64, into slot: Int) {
        forEachRow(of: slot) { row, number in
            for offset in stride(from: 0, to: row.byteCount, by: 8) {
                row.storeBytes(of: Self.element(state, number, offset), toByteOffset: offset, as: UInt64.self)
            }
        }
    }

    /// Whether a slot has the rows that would be computed.
    func isComputed(_ state: UInt64, in slot: Int) -> Bool {
        var isEqual = true
        forEachRow(of: slot) { row, number in
            for offset in stride(from: 0, to: row.byteCount, by: 8) where isEqual {
                let element = Self.element(state, number, offset)
                isEqual = (0..<8).allSatisfy {
                    row.bytes.loadByte(at: offset + $0) == UInt8(truncatingIfNeeded: element >> (8 * $0))
                }
            }
        }
        return isEqual
    }

    /// Wipes a slot, so that what it had cannot pass for what is found.
    func wipe(_ slot: Int) {
        forEachRow(of: slot) { row, _ in
            for offset in 0..<row.byteCount {
                row.storeBytes(of: 0xFF, toByteOffset: offset, as: UInt8.self)
            }
        }
    }

    /// Gives each layer's keys and values of a slot, with a number of their own.
    private func forEachRow(of slot: Int, _ body: (inout MutableRawSpan, Int) -> Void) {
        for layer in 0..<cache.layerCount {
            cache.withRow(layer: layer, slot: slot) { body(&$0, 2 * layer) }
            cache.withRow(layer: layer, slot: slot, isValue: true) { body(&$0, 2 * layer + 1) }
        }
    }

    private static func element(_ state: UInt64, _ row: Int, _ offset: Int) -> UInt64 {
        mixed(state &+ UInt64(row << 32 + offset)).littleEndian
    }

    /// The last steps of SplitMix64.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value &+ 0x9E37_79B9_7F4A_7C15
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
