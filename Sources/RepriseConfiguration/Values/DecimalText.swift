/// Numbers as configurations write them: decimal digits, nothing around them.
internal enum DecimalText {
    private static let digitCountMax = 40

    /// A whole number, 0 or more.
    static func count(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.count <= digitCountMax, text.utf8.allSatisfy(isDigit) else {
            return nil
        }
        return Int(text)
    }

    /// A whole number or a decimal fraction, 0 or more.
    static func number(_ text: some StringProtocol) -> Double? {
        guard let first = text.utf8.first, isDigit(first), text.utf8.count <= digitCountMax,
            text.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") })
        else { return nil }
        return Double(text)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
