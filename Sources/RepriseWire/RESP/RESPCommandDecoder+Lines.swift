internal import RepriseCore

extension RESPCommandDecoder {
    private static let carriageReturn = UInt8(ascii: "\r")
    private static let lineFeed = UInt8(ascii: "\n")

    /// Reads the line `*COUNT` at the start; `nil` when it has not arrived. None and fewer mean nothing.
    mutating func argumentCount(_ bytes: RawSpan) throws(WireError) -> Int? {
        guard let number = try lengthLine(bytes, of: "mbulk count") else { return nil }
        guard let count = number, count <= limits.argumentCountMax else {
            throw Self.fault("invalid multibulk length")
        }
        if count > limits.unauthenticatedArgumentCountMax, !isAuthenticated {
            throw Self.fault("unauthenticated multibulk length")
        }
        return max(0, count)
    }

    /// Reads the line `$LENGTH` of the next argument; `nil` when it has not arrived.
    mutating func argumentByteCount(_ bytes: RawSpan) throws(WireError) -> Int? {
        guard offset < bytes.byteCount else { return nil }
        let mark = bytes.loadByte(at: offset)
        guard mark == UInt8(ascii: "$") else {
            throw Self.fault("expected '$', got '\(Self.character(mark))'")
        }
        guard let number = try lengthLine(bytes, of: "bulk count") else { return nil }
        guard let byteCount = number, (0...Self.argumentByteCountMax).contains(byteCount) else {
            throw Self.fault("invalid bulk length")
        }
        if byteCount > limits.unauthenticatedArgumentByteCountMax, !isAuthenticated {
            throw Self.fault("unauthenticated bulk length")
        }
        guard keptByteCount(withArgumentOf: byteCount) <= limits.commandByteCountMax else {
            throw Self.fault("too long a command; the limit is \(limits.commandByteCountMax) bytes")
        }
        return byteCount
    }

    /// Takes the two bytes behind an argument, which are there.
    mutating func takeLineEnd(_ bytes: RawSpan) throws(WireError) {
        guard bytes.loadByte(at: offset) == Self.carriageReturn,
            bytes.loadByte(at: offset + 1) == Self.lineFeed
        else { throw Self.fault("expected CRLF behind an argument: its length is wrong") }
        offset += 2
    }

    /// Reads a line of one mark and a number, and uses its bytes.
    ///
    /// - Returns: `nil` when the line has not arrived; a nested `nil` for what is no number.
    private mutating func lengthLine(_ bytes: RawSpan, of name: StaticString) throws(WireError) -> Int?? {
        let start = offset + 1
        var position = max(start, offset + searchedByteCount)
        while position < bytes.byteCount, bytes.loadByte(at: position) != Self.carriageReturn {
            position += 1
        }
        searchedByteCount = position - offset
        // Also when the line's end is there, which is chance.
        if searchedByteCount > limits.lineByteCountMax { throw Self.fault("too big \(name) string") }
        guard position + 1 < bytes.byteCount else { return nil }
        offset = position + 2
        searchedByteCount = 0
        guard bytes.loadByte(at: position + 1) == Self.lineFeed else { return .some(nil) }
        return .some(Self.number(bytes.extracting(start..<position)))
    }

    /// Reads a decimal number in its only spelling: no plus, no leading zero, no minus zero.
    public static func number(_ text: RawSpan) -> Int? {
        let isNegative = text.byteCount > 0 && text.loadByte(at: 0) == UInt8(ascii: "-")
        let first = isNegative ? 1 : 0
        guard text.byteCount > first, text.byteCount <= 20 else { return nil }
        let lead = text.loadByte(at: first)
        if lead == UInt8(ascii: "0") { return text.byteCount == 1 ? 0 : nil }
        var value = 0
        for position in first..<text.byteCount {
            let digit = Int(text.loadByte(at: position)) - 0x30
            guard digit >= 0, digit <= 9 else { return nil }
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowsToo) = product.subtractingReportingOverflow(digit)
            guard !overflows, !overflowsToo else { return nil }
            value = sum
        }
        // Gathered below zero, where one number more has room.
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    static func fault(_ text: String) -> WireError { WireError(.badCommand, "Protocol error: \(text)") }

    /// A byte as it stands in an error's text.
    private static func character(_ byte: UInt8) -> String {
        byte < 0x80 ? String(UnicodeScalar(byte)) : "\\x" + String(byte, radix: 16)
    }
}
