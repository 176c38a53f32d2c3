import Testing

/// DESIGN § 3: the C header, the functions of RepriseC and what libreprise.so exports agree.
@Suite struct `C interface` {
    static let header = "Sources/CReprise/include/reprise.h"
    static let exports = "scripts/libreprise.map"

    static func text(_ path: String) -> String { String(decoding: FileTree.bytes(of: path), as: UTF8.self) }

    @Test func `every function of the header is implemented and exported and no other`() {
        let declared = Self.declarations(in: Self.text(Self.header))
        #expect(declared.count > 20)
        let implemented = SourceFile.sources.filter { $0.target == "RepriseC" }.flatMap(Self.implementations)
        #expect(implemented.sorted() == declared.sorted())
        #expect(Self.exported(in: Self.text(Self.exports)).sorted() == declared.sorted())
    }

    /// Names in front of a parenthesis, outside comments.
    static func declarations(in header: String) -> [String] {
        var found: [String] = []
        var rest = Substring(header)
        while let opening = rest.firstRange(of: "/*") {
            found += names(in: rest[..<opening.lowerBound])
            guard let closing = rest.firstRange(of: "*/") else { return found }
            rest = rest[closing.upperBound...]
        }
        return found + names(in: rest)
    }

    private static func names(in code: Substring) -> [String] {
        code.split(separator: "(", omittingEmptySubsequences: false).dropLast().compactMap { part in
            let name = part.reversed().prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            let text = String(name.reversed())
            return text.hasPrefix("reprise_") ? text : nil
        }
    }

    /// Functions behind `@c @implementation`.
    static func implementations(in file: SourceFile) -> [String] {
        file.code.indices.filter { file.code[$0].contains("@c @implementation") }.map { index in
            let line = index + 1 < file.code.count ? file.code[index + 1] : ""
            return String(line.drop { $0 != "r" }.split(separator: "(")[0].split(separator: " ").last ?? "")
        }
    }

    /// The symbols of a version script that are global.
    static func exported(in script: String) -> [String] {
        script.split(separator: "\n").map { $0.drop { $0 == " " } }
            .filter { $0.hasPrefix("reprise_") && $0.hasSuffix(";") }.map { String($0.dropLast()) }
    }

    @Test func `functions are found and comments are not`() {
        let header = "/* reprise_a(x) */ int reprise_b(int c);\nconst char *reprise_c(void); /* d */ f(1)"
        #expect(Self.declarations(in: header) == ["reprise_b", "reprise_c"])
        let file = SourceFile(path: "", text: "@c @implementation\npublic func reprise_b(\n_ c: Int) {}")
        #expect(Self.implementations(in: file) == ["reprise_b"])
        #expect(Self.exported(in: "{ global:\n  reprise_b;\n  local: *;\n};") == ["reprise_b"])
    }
}
