internal import RepriseCore

/// Writes canonical CBOR: integers, texts and array heads, each in its shortest form.
///
/// - Source: RFC 8949 §§ 3.1, 4.2.
internal struct CBOREncoder: Sendable {
    /// The most bytes that an integer, or the head of a text or an array, takes.
    private static let headByteCountMax = 9

    private enum Major {
        static let unsigned: UInt8 = 0x00
        static let negative: UInt8 = 0x20
        static let text: UInt8 = 0x60
        static let array: UInt8 = 0x80
    }

    private var buffer: [UInt8] = []
    private var byteCount = 0

    /// The item written last.
    var bytes: RawSpan {
        @_lifetime(borrow self)
        borrowing get { buffer.rawSpan.extracting(0..<byteCount) }
    }

    /// Writes `[previous, [token…], []]`.
    mutating func encode<Token: FixedWidthInteger>(chunkAfter previous: UInt64, _ tokens: Span<Token>) {
        begin(byteCount: (tokens.count + 4) * CBOREncoder.headByteCountMax)
        var bytes = buffer.mutableSpan
        var end = CBOREncoder.put(Major.array, 3, into: &bytes, at: 0)
        end = CBOREncoder.put(Major.unsigned, previous, into: &bytes, at: end)
        end = CBOREncoder.put(Major.array, UInt64(tokens.count), into: &bytes, at: end)
        for index in tokens.indices {
            let token = tokens[index]
            let isNegative = token < 0
            let value = UInt64(truncatingIfNeeded: isNegative ? ~token : token)
            end = CBOREncoder.put(isNegative ? Major.negative : Major.unsigned, value, into: &bytes, at: end)
        }
        byteCount = CBOREncoder.put(Major.array, 0, into: &bytes, at: end)
    }

    /// Writes a text.
    mutating func encode(text: String) {
        begin(byteCount: text.utf8.count + CBOREncoder.headByteCountMax)
        var bytes = buffer.mutableSpan
        var end = CBOREncoder.put(Major.text, UInt64(text.utf8.count), into: &bytes, at: 0)
        for byte in text.utf8 {
            bytes[end] = byte
            end += 1
        }
        byteCount = end
    }

    /// Makes room for an item of at most `capacity` bytes; memory is kept from one to the next.
    private mutating func begin(byteCount capacity: Int) {
        if buffer.count < capacity {
            buffer = [UInt8](repeating: 0, count: capacity)
        }
    }

    /// Writes a head and returns where it ends.
    @inline(__always)
    private static func put(
        _ major: UInt8,
        _ value: UInt64,
        into bytes: inout MutableSpan<UInt8>,
        at start: Int
    ) -> Int {
        guard value >= 24 else {
            bytes[start] = major | UInt8(truncatingIfNeeded: value)
            return start &+ 1
        }
        let exponent = value > 0xFFFF_FFFF ? 3 : value > 0xFFFF ? 2 : value > 0xFF ? 1 : 0
        bytes[start] = major | UInt8(truncatingIfNeeded: 24 &+ exponent)
        let end = start &+ 1 &+ 1 &<< exponent
        var rest = value
        var index = end
        while index > start &+ 1 {
            index &-= 1
            bytes[index] = UInt8(truncatingIfNeeded: rest)
            rest &>>= 8
        }
        return end
    }
}
