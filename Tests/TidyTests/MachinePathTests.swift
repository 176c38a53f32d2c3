import Testing

/// No file says where it was written: a checkout works anywhere.
@Suite struct `Machine paths` {
    // Split, so that this file does not name them either.
    static let forbidden = [
        ["/work", "/"], ["/tmp/", "w/"], ["/opt", "/"], ["/root", "/"], ["/home", "/"], ["pypi", ".org"],
        ["python", "hosted.org"], ["download.py", "torch.org"],
    ].map { Array($0.joined().utf8) }
    static let suffixes = [
        ".swift", ".c", ".h", ".py", ".md", ".txt", ".sh", ".json", ".yml", ".yaml", ".toml", ".jsonl",
        ".svg",
    ]

    /// Text by its suffix, or a script, which has none.
    static func isText(_ path: String) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        return suffixes.contains { name.hasSuffix($0) } || !name.dropFirst().contains(".")
    }

    @Test func `no file names a path of the machine it was written on`() {
        for path in FileTree.paths() where Self.isText(path) {
            Violation.report(Self.violations(in: FileTree.bytes(of: path), path: path))
        }
    }

    static func violations(in bytes: [UInt8], path: String) -> [Violation] {
        var line = 1
        var found: [Violation] = []
        for index in bytes.indices {
            if bytes[index] == UInt8(ascii: "\n") { line += 1 }
            // The first bytes of the forbidden words: most positions are dismissed by one comparison.
            guard
                bytes[index] == UInt8(ascii: "/") || bytes[index] == UInt8(ascii: "p")
                    || bytes[index] == UInt8(ascii: "d")
            else { continue }
            for word in forbidden where bytes[index...].starts(with: word) {
                let before = index > 0 ? bytes[index - 1] : UInt8(ascii: " ")
                if word[0] == UInt8(ascii: "/") && (SourceFile.isWord(before) || before == UInt8(ascii: "."))
                {
                    continue
                }
                let text = String(decoding: word, as: UTF8.self)
                found.append(Violation(path: path, line: line, advice: "names \(text)"))
            }
        }
        return found
    }

    @Test(arguments: forbidden) func `machine paths are seen`(word: [UInt8]) {
        let text = Array("first\n see ".utf8) + word + Array("x\n".utf8)
        #expect(Self.violations(in: text, path: "a").map(\.line) == [2])
    }

    @Test func `paths of the project are not machine paths`() {
        let text = Array("docs/work/x, src/opt/y, ../root/z, https://example.org".utf8)
        #expect(Self.violations(in: text, path: "a") == [])
    }
}
