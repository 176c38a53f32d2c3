/// A Swift file: its raw lines, its lines of code alone, and questions the rules ask of them.
struct SourceFile {
    let path: String
    let lines: [String]
    let code: [String]
    let blanked: [UInt8]

    init(path: String, bytes: [UInt8]) {
        self.path = path
        lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        let code = SwiftCode(bytes)
        blanked = code.blanked
        self.code = code.lines
    }

    init(path: String, text: String) {
        self.init(path: path, bytes: Array(text.utf8))
    }

    /// Every Swift file of the repository's own packages.
    static let all: [SourceFile] = FileTree.paths()
        .filter { $0.hasSuffix(".swift") }
        .map { SourceFile(path: $0, bytes: FileTree.bytes(of: $0)) }

    /// The files below `Sources/`, where product code lies.
    static let sources: [SourceFile] = all.filter { $0.path.hasPrefix("Sources/") }

    /// The target in whose folder the file lies, for files below `Sources/`.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }

    /// The folders between the target's and the file.
    var folders: [String] { path.split(separator: "/").dropFirst(2).dropLast().map(String.init) }

    /// Numbers, from 1, of the lines of code that hold `token` as whole words.
    func lines(withToken token: String) -> [Int] {
        code.indices.filter { Self.contains(token, in: code[$0]) }.map { $0 + 1 }
    }

    /// Whether `line` holds `token` with no identifier character, and no dot before it, at either side.
    static func contains(_ token: String, in line: String) -> Bool {
        let line = Array(line.utf8)
        let token = Array(token.utf8)
        guard let last = token.last, line.count >= token.count else { return false }
        for start in 0...(line.count - token.count) where line[start...].starts(with: token) {
            let before = start > 0 ? line[start - 1] : UInt8(ascii: " ")
            let end = start + token.count
            let after = end < line.count ? line[end] : UInt8(ascii: " ")
            let startsCleanly = !isWord(before) && before != UInt8(ascii: ".")
            if startsCleanly && !(isWord(last) && isWord(after)) { return true }
        }
        return false
    }

    /// The comment lines and attributes directly above line `number`, nearest first.
    func preamble(above number: Int) -> [String] {
        var found: [String] = []
        var index = number - 2
        while index >= 0 {
            let line = lines[index].drop { $0 == " " }
            guard line.hasPrefix("//") || line.hasPrefix("@") || line.hasPrefix(")") else { break }
            found.append(String(line))
            index -= 1
        }
        return found
    }

    static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: byte >= 0x80
        }
    }
}
