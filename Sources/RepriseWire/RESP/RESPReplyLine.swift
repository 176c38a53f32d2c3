internal import RepriseCore

/// One line of a reply, whole: a scalar, or the header of a string or aggregate.
internal struct RESPReplyLine: ~Escapable {
    private let type: UInt8
    private let text: RawSpan

    @_lifetime(copy text)
    init(type: UInt8, text: RawSpan) {
        self.type = type
        self.text = text
    }

    /// The length that the header of a string announces; `nil` if the line is none, or announces null.
    func stringByteCount() throws(WireError) -> Int? {
        switch type {
        case UInt8(ascii: "$"): try isNull ? nil : length()
        case UInt8(ascii: "="), UInt8(ascii: "!"): try length()
        default: nil
        }
    }

    /// What the line is, if not the header of a string.
    func item() throws(WireError) -> RESPReplyDecoder.Item {
        switch type {
        case UInt8(ascii: "+"): .value(.simpleString(string))
        case UInt8(ascii: "-"): .value(.error(string))
        case UInt8(ascii: ":"): .value(.integer(try integer()))
        case UInt8(ascii: "$"): .value(.null)
        case UInt8(ascii: "_"): .value(try null())
        case UInt8(ascii: "#"): .value(.boolean(try boolean()))
        case UInt8(ascii: ","): .value(.double(try double()))
        case UInt8(ascii: "("): .value(.bigNumber(try digits()))
        case UInt8(ascii: "*"): isNull ? .value(.null) : .aggregate(.array, count: try length())
        case UInt8(ascii: "%"): .aggregate(.map, count: try length())
        case UInt8(ascii: "~"): .aggregate(.set, count: try length())
        case UInt8(ascii: ">"): .aggregate(.push, count: try length())
        default: .aggregate(.attribute, count: try length())
        }
    }

    private var string: String { String(decoding: [UInt8](copying: text), as: UTF8.self) }

    /// Whether the line is RESP 2's null: a length of -1.
    private var isNull: Bool {
        text.byteCount == 2 && text.loadLittleEndian(at: 0, as: UInt16.self) == 0x312D
    }

    private func length() throws(WireError) -> Int {
        guard text.byteCount > 0, isDigits(from: 0), let length = Int(string) else {
            throw WireError(.badLength, "'\(shown)' where a length belongs")
        }
        return length
    }

    private func integer() throws(WireError) -> Int64 {
        guard let integer = Int64(try digits()) else {
            throw WireError(.badReply, "the integer '\(shown)' has more than 64 bits")
        }
        return integer
    }

    /// Digits with an optional sign.
    private func digits() throws(WireError) -> String {
        let hasSign = text.byteCount > 1 && [0x2B, 0x2D].contains(text.loadByte(at: 0))
        guard text.byteCount > 0, isDigits(from: hasSign ? 1 : 0) else {
            throw WireError(.badReply, "'\(shown)' where a whole number belongs")
        }
        return string
    }

    private func isDigits(from start: Int) -> Bool {
        for offset in start..<text.byteCount where !(0x30...0x39).contains(text.loadByte(at: offset)) {
            return false
        }
        return true
    }

    private func null() throws(WireError) -> RESPValue {
        guard text.byteCount == 0 else { throw WireError(.badReply, "null with '\(shown)' behind it") }
        return .null
    }

    private func boolean() throws(WireError) -> Bool {
        switch string {
        case "t": return true
        case "f": return false
        default: throw WireError(.badReply, "'\(shown)' where t or f belongs")
        }
    }

    private func double() throws(WireError) -> Double {
        let string = string
        switch string {
        case "inf": return .infinity
        case "-inf": return -.infinity
        case "nan", "-nan": return .nan
        default:
            // Only decimal forms: the standard library also reads hexadecimal ones and more names.
            let isDecimal = string.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
            guard isDecimal, let double = Double(string) else {
                throw WireError(.badReply, "'\(shown)' where a number belongs")
            }
            return double
        }
    }

    /// The line for messages, cut.
    private var shown: String { String(string.prefix(32)) }
}
