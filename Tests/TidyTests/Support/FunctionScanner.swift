/// Finds the functions of a blanked Swift file and the lines they span.
struct FunctionScanner {
    /// One function, initialiser or deinitialiser with a body.
    struct Function: Equatable {
        var firstLine: Int
        var lineCount: Int
    }

    private let code: [UInt8]
    private static let openers = Set("({[".utf8)
    private static let closers = Set(")}]".utf8)
    private static let keywords: Set<String> = ["func", "init", "deinit"]
    private static let interrupting: Set<String> = [
        "func", "init", "deinit", "var", "let", "subscript", "case",
    ]

    init(_ file: SourceFile) {
        code = file.blanked
    }

    func functions() -> [Function] {
        var found: [Function] = []
        var line = 1
        var index = 0
        while index < code.count {
            if code[index] == UInt8(ascii: "\n") { line += 1 }
            guard let word = word(at: index) else {
                index += 1
                continue
            }
            let follows = index + word.utf8.count
            if Self.keywords.contains(word), !isMember(index), let end = bodyEnd(from: follows) {
                let lineCount = code[index..<end].count { $0 == UInt8(ascii: "\n") } + 1
                found.append(Function(firstLine: line, lineCount: lineCount))
            }
            index = follows
        }
        return found
    }

    /// The identifier that starts at `index`.
    private func word(at index: Int) -> String? {
        guard SourceFile.isWord(code[index]) else { return nil }
        return String(decoding: code[index...].prefix { SourceFile.isWord($0) }, as: UTF8.self)
    }

    private func isMember(_ index: Int) -> Bool { index > 0 && code[index - 1] == UInt8(ascii: ".") }

    /// Where the body's closing brace is, or nil for a declaration without a body.
    private func bodyEnd(from start: Int) -> Int? {
        var depth = 0
        var index = start
        while index < code.count {
            let byte = code[index]
            if byte == UInt8(ascii: "{") && depth == 0 { return closing(of: index) }
            if Self.openers.contains(byte) { depth += 1 }
            if Self.closers.contains(byte) { depth -= 1 }
            if depth < 0 { return nil }
            if let word = word(at: index) {
                if depth == 0 && Self.interrupting.contains(word) { return nil }
                index += word.utf8.count
            } else {
                index += 1
            }
        }
        return nil
    }

    private func closing(of opening: Int) -> Int? {
        var depth = 0
        for index in opening..<code.count {
            if code[index] == UInt8(ascii: "{") { depth += 1 }
            if code[index] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }
}
