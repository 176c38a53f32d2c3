import Testing

/// STYLE § A.12: what product code never does.
@Suite struct `Forbidden code` {
    /// Tokens, and what to write instead.
    static let tokens = [
        ("try!", "handle the error"),
        ("as!", "cast with as? and say what to do when it fails"),
        ("print(", "libraries log or return; the command line tool writes to its console"),
        ("debugPrint(", "libraries log or return"),
        ("fatalError(", "use preconditionFailure with a message for bugs, throw for the rest"),
    ]

    @Test func `sources hold no forbidden token`() {
        Violation.report(SourceFile.sources.flatMap(Self.violations))
    }

    static func violations(in file: SourceFile) -> [Violation] {
        tokens.flatMap { token, advice in
            file.lines(withToken: token).map {
                Violation(path: file.path, line: $0, advice: "`\(token)`: \(advice)")
            }
        }
    }

    @Test func `tokens are seen in code and only there`() {
        let text = """
            let a = try! f()
            // try! in a comment
            let b = "as! print("
            let c = "\\(x as! Int) print("
            stream.print("x"); blueprint(1)
            print(1)
            fatalError()
            /* print( /* nested */ as! */ let d = #"\\(print("x"))"#
            let e = \"\"\"
                print("in a literal")
                \"\"\"
            """
        let found = Self.violations(in: SourceFile(path: "Sources/T/a.swift", text: text))
        #expect(found.map(\.line).sorted() == [1, 4, 6, 7])
    }
}
