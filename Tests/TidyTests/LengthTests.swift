import Testing

/// STYLE § A.6: hard limits; the aims (300 lines, 25 lines) are for the reviewer.
@Suite struct `Length` {
    static let fileLineCountMax = 500
    static let functionLineCountMax = 70
    static let columnCountMax = 110

    @Test func `no file is longer than 500 lines`() {
        Violation.report(
            SourceFile.all.filter { $0.lines.count > Self.fileLineCountMax + 1 }
                .map {
                    Violation(path: $0.path, line: $0.lines.count - 1, advice: "split it: at most 500 lines")
                }
        )
    }

    @Test func `no function is longer than 70 lines`() {
        Violation.report(SourceFile.all.flatMap(Self.overlongFunctions))
    }

    @Test(arguments: [".swift", ".c", ".h", ".py"])
    func `no line is longer than 110 columns`(suffix: String) {
        for path in FileTree.paths() where path.hasSuffix(suffix) {
            let file = SourceFile(path: path, bytes: FileTree.bytes(of: path))
            Violation.report(Self.overlongLines(in: file))
        }
    }

    static func overlongFunctions(in file: SourceFile) -> [Violation] {
        FunctionScanner(file).functions().filter { $0.lineCount > functionLineCountMax }.map {
            Violation(
                path: file.path,
                line: $0.firstLine,
                advice: "\($0.lineCount) lines; a function has at most 70"
            )
        }
    }

    static func overlongLines(in file: SourceFile) -> [Violation] {
        file.lines.indices.filter { file.lines[$0].count > columnCountMax }.map {
            Violation(path: file.path, line: $0 + 1, advice: "\(file.lines[$0].count) columns; at most 110")
        }
    }

    @Test func `the length of a function is found past closures, strings and requirements`() {
        let text = """
            protocol P {
                func requirement()
                init()
                var value: Int { get }
            }
            func short(_ body: () -> Void = {}) { "}" }
            struct S {
                init(a: Int) {
                    self.init { $0 }
                }
                func long() -> [Int]
                where A: B {
                    if true { print("{") }

                }
            }
            """
        let functions = FunctionScanner(SourceFile(path: "", text: text)).functions()
        #expect(functions.map(\.firstLine) == [6, 8, 11])
        #expect(functions.map(\.lineCount) == [1, 3, 5])
    }

    @Test func `overlong lines and functions are seen`() {
        let long = "func f() {\n" + String(repeating: "    step()\n", count: 69) + "}\n"
        let file = SourceFile(path: "a.swift", text: long + String(repeating: "é", count: 111))
        #expect(Self.overlongFunctions(in: file).map(\.line) == [1])
        #expect(Self.overlongLines(in: file).map(\.line) == [72])
        #expect(Self.overlongLines(in: SourceFile(path: "", text: String(repeating: "é", count: 110))) == [])
    }
}
