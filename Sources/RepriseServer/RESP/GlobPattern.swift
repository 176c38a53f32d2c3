/// A pattern of KEYS and SCAN: `*`, `?`, `[a-c]`, `[^a]`, and `\` before a character that stands for itself.
///
/// - Source: Redis `util.c`, `stringmatchlen`, by its behaviour.
struct GlobPattern {
    private enum Piece: Hashable {
        case byte(UInt8)
        case any
        case anyRun
        case set(ranges: [ClosedRange<UInt8>], isNegated: Bool)
    }

    private let pieces: [Piece]
    private let matchesAll: Bool

    init(_ pattern: [UInt8]) {
        matchesAll = pattern == [UInt8(ascii: "*")]
        var pieces: [Piece] = []
        var index = 0
        while index < pattern.count {
            let byte = pattern[index]
            index += 1
            switch byte {
            case UInt8(ascii: "*"): if pieces.last != .anyRun { pieces.append(.anyRun) }
            case UInt8(ascii: "?"): pieces.append(.any)
            case UInt8(ascii: "["): pieces.append(Self.set(pattern, &index))
            case UInt8(ascii: "\\") where index < pattern.count:
                pieces.append(.byte(pattern[index]))
                index += 1
            default: pieces.append(.byte(byte))
            }
        }
        self.pieces = pieces
    }

    /// Reads the inside of brackets; a missing end is the pattern's.
    private static func set(_ pattern: [UInt8], _ index: inout Int) -> Piece {
        var ranges: [ClosedRange<UInt8>] = []
        let isNegated = index < pattern.count && pattern[index] == UInt8(ascii: "^")
        if isNegated { index += 1 }
        while index < pattern.count {
            var byte = pattern[index]
            index += 1
            if byte == UInt8(ascii: "]") { break }
            if byte == UInt8(ascii: "\\"), index < pattern.count {
                byte = pattern[index]
                index += 1
                ranges.append(byte...byte)
            } else if index + 1 < pattern.count, pattern[index] == UInt8(ascii: "-") {
                let end = pattern[index + 1]
                index += 2
                ranges.append(min(byte, end)...max(byte, end))
            } else {
                ranges.append(byte...byte)
            }
        }
        return .set(ranges: ranges, isNegated: isNegated)
    }

    /// Whether all of a key matches.
    ///
    /// - Complexity: O(key × pattern) at worst: at each run only the last one is tried again.
    func matches(_ key: [UInt8]) -> Bool {
        if matchesAll { return true }
        var (position, piece) = (0, 0)
        var retry: (position: Int, piece: Int)?
        while position < key.count {
            if piece < pieces.count, pieces[piece] == .anyRun {
                retry = (position, piece + 1)
                piece += 1
            } else if piece < pieces.count, Self.matches(pieces[piece], key[position]) {
                position += 1
                piece += 1
            } else if let (start, after) = retry {
                retry = (start + 1, after)
                (position, piece) = (start + 1, after)
            } else {
                return false
            }
        }
        // Redis takes a run at the end for nothing only if something came before it.
        return !key.isEmpty && pieces[piece...].allSatisfy { $0 == .anyRun } || piece == pieces.count
    }

    private static func matches(_ piece: Piece, _ byte: UInt8) -> Bool {
        switch piece {
        case .byte(let wanted): byte == wanted
        case .any: true
        case .anyRun: false
        case .set(let ranges, let isNegated): ranges.contains { $0.contains(byte) } != isNegated
        }
    }
}
