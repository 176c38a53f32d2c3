internal import RepriseCore

extension RESPCommandDecoder {
    /// Reads a command that a person typed: words on one line.
    mutating func decodeInline(_ bytes: RawSpan) throws(WireError) -> Step {
        var position = searchedByteCount
        while position < bytes.byteCount, bytes.loadByte(at: position) != UInt8(ascii: "\n") { position += 1 }
        // Also when the line's end is there, which is chance.
        guard position <= limits.lineByteCountMax else { throw Self.fault("too big inline request") }
        guard position < bytes.byteCount else {
            searchedByteCount = position
            return .needsBytes
        }
        searchedByteCount = 0
        var line = bytes.extracting(0..<position)
        if position > 0, bytes.loadByte(at: position - 1) == UInt8(ascii: "\r") {
            line = bytes.extracting(0..<(position - 1))
        }
        guard let words = RESPInlineWords.split(line) else {
            throw Self.fault("unbalanced quotes in request")
        }
        return words.isEmpty
            ? .empty(byteCount: position + 1) : complete(inline: words, byteCount: position + 1)
    }
}

/// The words of an inline command, as Redis splits them: at white space, with "…" and '…' around words that
/// have some, and escapes within.
public enum RESPInlineWords {
    /// The words of a line; `nil` when a quote is not closed, or a word goes on behind its closing quote.
    ///
    /// - Source: Redis `sds.c`, `sdssplitargs`, by its behaviour.
    public static func split(_ line: RawSpan) -> [[UInt8]]? {
        var words: [[UInt8]] = []
        var position = 0
        while true {
            while position < line.byteCount, isSpace(line.loadByte(at: position)) { position += 1 }
            guard position < line.byteCount, line.loadByte(at: position) != 0 else { return words }
            guard let word = word(line, &position) else { return nil }
            words.append(word)
        }
    }

    private static func word(_ line: RawSpan, _ position: inout Int) -> [UInt8]? {
        var word: [UInt8] = []
        while position < line.byteCount {
            let byte = line.loadByte(at: position)
            if endsWord(byte) { break }
            position += 1
            guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") else {
                word.append(byte)
                continue
            }
            guard quoted(by: byte, line, &position, into: &word) else { return nil }
            if position < line.byteCount, !isSpace(line.loadByte(at: position)) { return nil }
            break
        }
        return word
    }

    /// Reads up to the closing quote; `false` when there is none.
    private static func quoted(
        by quote: UInt8,
        _ line: RawSpan,
        _ position: inout Int,
        into word: inout [UInt8]
    ) -> Bool {
        while position < line.byteCount {
            let byte = line.loadByte(at: position)
            position += 1
            if byte == quote { return true }
            if byte == UInt8(ascii: "\\"), position < line.byteCount {
                word.append(quote == UInt8(ascii: "\"") ? escape(line, &position) : single(line, &position))
            } else {
                word.append(byte)
            }
        }
        return false
    }

    /// Within single quotes only the quote itself is escaped.
    private static func single(_ line: RawSpan, _ position: inout Int) -> UInt8 {
        guard line.loadByte(at: position) == UInt8(ascii: "'") else { return UInt8(ascii: "\\") }
        position += 1
        return UInt8(ascii: "'")
    }

    private static func escape(_ line: RawSpan, _ position: inout Int) -> UInt8 {
        let byte = line.loadByte(at: position)
        position += 1
        switch byte {
        case UInt8(ascii: "n"): return UInt8(ascii: "\n")
        case UInt8(ascii: "r"): return UInt8(ascii: "\r")
        case UInt8(ascii: "t"): return UInt8(ascii: "\t")
        case UInt8(ascii: "b"): return 8
        case UInt8(ascii: "a"): return 7
        case UInt8(ascii: "x"):
            guard position + 1 < line.byteCount, let high = hexDigit(line.loadByte(at: position)),
                let low = hexDigit(line.loadByte(at: position + 1))
            else { return byte }
            position += 2
            return high << 4 | low
        default: return byte
        }
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    /// A word goes on over vertical tabs and form feeds, which are skipped between words.
    private static func endsWord(_ byte: UInt8) -> Bool {
        byte == 0 || (isSpace(byte) && byte != 11 && byte != 12)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }
}
