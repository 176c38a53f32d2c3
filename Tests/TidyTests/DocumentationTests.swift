import Testing

/// STYLE § A.2: what is public is documented.
@Suite struct `Documentation` {
    static let declarations: Set<Substring> = [
        "func", "var", "let", "struct", "class", "enum", "protocol", "init", "subscript", "typealias",
        "actor",
    ]

    @Test func `every public declaration has a doc comment`() {
        Violation.report(SourceFile.sources.flatMap(Self.violations))
    }

    static func violations(in file: SourceFile) -> [Violation] {
        file.code.indices.filter { isPublicDeclaration(file.code[$0]) }.map { $0 + 1 }
            .filter { number in !file.preamble(above: number).contains { $0.hasPrefix("///") } }
            .map {
                Violation(path: file.path, line: $0, advice: "a public declaration needs a `///` comment")
            }
    }

    static func isPublicDeclaration(_ line: String) -> Bool {
        let words = line.split { !($0.isLetter || $0 == "@" || $0 == "_") }
        guard let access = words.firstIndex(where: { $0 == "public" || $0 == "open" }) else { return false }
        guard words[..<access].allSatisfy({ !declarations.contains($0) }) else { return false }
        let kind = words[(access + 1)...].first {
            declarations.contains($0) || $0 == "import" || $0 == "extension"
        }
        return kind.map(declarations.contains) ?? false
    }

    @Test func `missing comments are seen`() {
        let text = """
            public import Glibc
            public struct A {
                /// Documented.
                @inlinable
                public init() {}
                // Not a doc comment.
                public private(set) var a = 0
                @inlinable public static func f() {}
                let b = "public func"
            }
            public extension A {}
            """
        let file = SourceFile(path: "Sources/T/a.swift", text: text)
        #expect(Self.violations(in: file).map(\.line) == [2, 7, 8])
    }
}
