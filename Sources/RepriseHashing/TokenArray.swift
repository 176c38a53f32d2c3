/// A prompt's token ids in one of the two widths that engines hand out; a copy costs one reference count.
public struct TokenArray: Hashable, Sendable {
    internal enum Storage: Hashable, Sendable {
        case uint32([UInt32])
        case int64([Int64])
    }

    internal let storage: Storage

    /// Holds unsigned 32-bit tokens, which every algorithm takes.
    public init(_ tokens: [UInt32]) {
        storage = .uint32(tokens)
    }

    /// Holds signed 64-bit tokens.
    public init(_ tokens: [Int64]) {
        storage = .int64(tokens)
    }

    /// How many tokens there are.
    public var count: Int {
        switch storage {
        case .uint32(let tokens): tokens.count
        case .int64(let tokens): tokens.count
        }
    }

    /// Whether each token is an unsigned 32-bit integer.
    ///
    /// - Complexity: O(tokens) for 64-bit tokens, about 0.2 ns each.
    internal var fitsUInt32: Bool {
        guard case .int64(let tokens) = storage else { return true }
        return tokens.span.fitsUInt32
    }
}

extension Span<Int64> {
    /// Whether each token is an unsigned 32-bit integer.
    internal var fitsUInt32: Bool {
        var bits: Int64 = 0
        for index in indices {
            bits |= self[index]
        }
        return bits >> 32 == 0
    }
}
