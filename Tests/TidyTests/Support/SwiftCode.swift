/// Swift source whose comments and string literals are blanked out, so that what is left is code.
///
/// Blanked bytes become spaces; newlines stay, so lines and columns are those of the source. What is
/// interpolated into a string is code and stays.
struct SwiftCode {
    private let source: [UInt8]
    private var position = 0
    private(set) var blanked: [UInt8]

    init(_ source: [UInt8]) {
        self.source = source
        blanked = source
        scanCode(untilClosingParenthesis: false)
    }

    /// The blanked source, line by line.
    var lines: [String] {
        blanked.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private func peek(_ text: StaticString, at offset: Int = 0) -> Bool {
        let start = position + offset
        guard start + text.utf8CodeUnitCount <= source.count else { return false }
        return text.description.utf8.elementsEqual(source[start..<start + text.utf8CodeUnitCount])
    }

    private mutating func blank(_ count: Int = 1) {
        for index in position..<min(position + count, source.count) where source[index] != UInt8(ascii: "\n")
        {
            blanked[index] = UInt8(ascii: " ")
        }
        position += count
    }

    private mutating func scanCode(untilClosingParenthesis: Bool) {
        var depth = 0
        while position < source.count {
            switch source[position] {
            case UInt8(ascii: "/") where peek("//"): scanLineComment()
            case UInt8(ascii: "/") where peek("/*"): scanBlockComment()
            case UInt8(ascii: "\""): scanString(poundCount: 0)
            case UInt8(ascii: "#"): scanPounds()
            case UInt8(ascii: "("):
                depth += 1
                position += 1
            case UInt8(ascii: ")"):
                if depth == 0 && untilClosingParenthesis { return }
                depth -= 1
                position += 1
            default: position += 1
            }
        }
    }

    private mutating func scanLineComment() {
        while position < source.count && source[position] != UInt8(ascii: "\n") { blank() }
    }

    private mutating func scanBlockComment() {
        var depth = 0
        repeat {
            if peek("/*") {
                depth += 1
                blank(2)
            } else if peek("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && position < source.count
    }

    private mutating func scanPounds() {
        var count = 0
        while position + count < source.count && source[position + count] == UInt8(ascii: "#") { count += 1 }
        position += count
        if position < source.count && source[position] == UInt8(ascii: "\"") { scanString(poundCount: count) }
    }

    private mutating func scanString(poundCount: Int) {
        let isMultiline = peek("\"\"\"")
        let pounds = [UInt8](repeating: UInt8(ascii: "#"), count: poundCount)
        let closing = [UInt8](repeating: UInt8(ascii: "\""), count: isMultiline ? 3 : 1) + pounds
        let escape = [UInt8(ascii: "\\")] + pounds
        blank(isMultiline ? 3 : 1)
        while position < source.count {
            let rest = source[position...]
            if rest.starts(with: closing) { return blank(closing.count) }
            if !isMultiline && source[position] == UInt8(ascii: "\n") { return }
            if rest.starts(with: escape + [UInt8(ascii: "(")]) {
                blank(escape.count + 1)
                scanCode(untilClosingParenthesis: true)
                blank()
            } else if rest.starts(with: escape) {
                blank(escape.count + 1)
            } else {
                blank()
            }
        }
    }
}
