import Testing

/// Each document has one title, and its links lead somewhere.
@Suite struct `Markdown` {
    static let documents: [SourceFile] = FileTree.paths()
        .filter { $0.hasSuffix(".md") }
        .map { SourceFile(path: $0, bytes: FileTree.bytes(of: $0)) }

    @Test func `no document has two titles`() {
        Violation.report(Self.documents.flatMap(Self.secondTitles))
    }

    @Test func `links to files lead to files`() {
        Violation.report(
            Self.documents.flatMap { Self.deadLinks(in: $0) { FileTree.kind(of: $0) != .absent } }
        )
    }

    /// The lines outside fenced code, with their numbers, inline code removed.
    static func prose(of document: SourceFile) -> [(number: Int, text: String)] {
        var isFenced = false
        var found: [(number: Int, text: String)] = []
        for (index, line) in document.lines.enumerated() {
            if line.drop(while: { $0 == " " }).hasPrefix("```") {
                isFenced.toggle()
            } else if !isFenced {
                let pieces = line.split(separator: "`", omittingEmptySubsequences: false)
                let text = pieces.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
                found.append((index + 1, text.joined()))
            }
        }
        return found
    }

    static func secondTitles(in document: SourceFile) -> [Violation] {
        prose(of: document).filter { $0.text.hasPrefix("# ") }.dropFirst()
            .map { Violation(path: document.path, line: $0.number, advice: "a second title; use `##`") }
    }

    static func deadLinks(in document: SourceFile, exists: (String) -> Bool) -> [Violation] {
        prose(of: document).flatMap { number, text in
            targets(in: text).compactMap { resolve($0, from: document.path) }.filter { !exists($0) }
                .map {
                    Violation(
                        path: document.path,
                        line: number,
                        advice: "links to \($0), which does not exist"
                    )
                }
        }
    }

    /// What stands between `](` and `)`.
    static func targets(in text: String) -> [String] {
        var found: [String] = []
        var rest = Substring(text)
        while let opening = rest.firstRange(of: "](") {
            rest = rest[opening.upperBound...]
            guard let closing = rest.firstIndex(of: ")") else { break }
            found.append(String(rest[..<closing].split(separator: " ").first ?? ""))
            rest = rest[closing...]
        }
        return found
    }

    /// The path from the root that a link means, or nil when it means no file of ours.
    static func resolve(_ target: String, from document: String) -> String? {
        let path = target.split(separator: "#", omittingEmptySubsequences: false)[0]
        if path.isEmpty || path.contains("://") || path.hasPrefix("mailto:") { return nil }
        var parts = document.split(separator: "/").dropLast()
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { parts = parts.dropLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    @Test func `second titles and dead links are seen`() {
        let text = """
            # One
            ```
            # not a title, [not](a-link)
            ```
            ## Two, `[code](x)`, [far](https://example.org/x), [here](#one)
            [a](../a.md#part) [b](b.md "title")
            # Three
            """
        let document = SourceFile(path: "docs/x.md", text: text)
        #expect(Self.secondTitles(in: document).map(\.line) == [7])
        var asked: [String] = []
        let dead = Self.deadLinks(in: document) { path in
            asked.append(path)
            return path == "a.md"
        }
        #expect(asked == ["a.md", "docs/b.md"])
        #expect(dead.map(\.line) == [6])
    }
}
