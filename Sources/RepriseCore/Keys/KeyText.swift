/// The characters and numbers of which key texts are made.
internal enum KeyText {
    static let at = UInt8(ascii: "@")
    static let percent = UInt8(ascii: "%")
    static let minus = UInt8(ascii: "-")
    static let zero = UInt8(ascii: "0")

    private static let hexDigits: [16 of UInt8] = [
        0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66,
    ]

    /// The value of a lowercase hexadecimal digit, or `nil`.
    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// The value of 1 to 16 lowercase hexadecimal digits, or `nil`.
    static func hexWord(_ text: ArraySlice<UInt8>) -> UInt64? {
        guard (1...16).contains(text.count) else { return nil }
        var word: UInt64 = 0
        for byte in text {
            guard let value = hexValue(byte) else { return nil }
            word = word &<< 4 | UInt64(value)
        }
        return word
    }

    /// Appends the last `digitCount` hexadecimal digits of a word.
    static func appendHex(_ word: UInt64, digitCount: Int, to bytes: inout [UInt8]) {
        var shift = UInt64(digitCount) * 4
        while shift > 0 {
            shift -= 4
            bytes.append(hexDigits[Int(truncatingIfNeeded: word &>> shift & 0xF)])
        }
    }

    /// Reads a decimal integer in its shortest form, so that writing it gives the text back; `nil` for all
    /// else.
    static func decimal(_ text: ArraySlice<UInt8>) -> Int? {
        let isNegative = text.first == minus
        let digits = isNegative ? text.dropFirst() : text
        guard let first = digits.first, first != zero || (digits.count == 1 && !isNegative) else {
            return nil
        }
        var value = 0
        for byte in digits {
            guard (zero...(zero + 9)).contains(byte) else { return nil }
            let (shifted, overflowed) = value.multipliedReportingOverflow(by: 10)
            let digit = Int(byte - zero)
            let (next, overflowedAgain) = shifted.addingReportingOverflow(isNegative ? -digit : digit)
            guard !overflowed && !overflowedAgain else { return nil }
            value = next
        }
        return value
    }

    /// The text of bytes that must be UTF-8.
    static func string(_ bytes: ArraySlice<UInt8>) throws(KeyError) -> String {
        guard let string = String(validating: bytes, as: UTF8.self) else {
            throw KeyError(
                .notUTF8,
                "a key's names and tags are UTF-8; this key must be kept as opaque bytes"
            )
        }
        return string
    }
}
