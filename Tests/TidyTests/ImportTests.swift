import Testing

/// DESIGN § 3: which target may import what. Nothing points back, and no library knows Foundation.
@Suite struct `Imports` {
    static let base: Set<String> = ["Glibc", "Synchronization"]
    static let allowed: [String: Set<String>] = [
        "RepriseCore": ["CRepriseShims"],
        "RepriseWire": ["RepriseCore", "CRepriseShims"],
        "RepriseHashing": ["RepriseCore", "Crypto"],
        "RepriseDisk": ["RepriseCore", "CRepriseShims"],
        "RepriseEngine": ["RepriseCore", "RepriseHashing"],
        "RepriseTesting": ["RepriseCore", "RepriseDisk"],
        "simulate": ["RepriseTesting"],
        "RepriseNode": ["RepriseCore", "RepriseDisk", "RepriseRemote"],
        "RepriseServer": [
            "RepriseNode", "RepriseDisk", "RepriseCore", "RepriseWire", "CRepriseShims", "Logging",
        ],
        "RepriseRemote": ["RepriseCore", "RepriseWire", "CRepriseShims"],
        "RepriseC": [
            "RepriseNode", "RepriseDisk", "RepriseWire", "RepriseCore", "CReprise", "CRepriseShims",
        ],
        "RepriseReplay": ["RepriseCore", "RepriseWire", "RepriseRemote"],
        "RepriseConfiguration": ["RepriseCore", "RepriseDisk", "RepriseRemote", "Yams"],
        "reprise": [
            "RepriseCore", "RepriseDisk", "RepriseNode", "RepriseServer", "RepriseRemote", "RepriseReplay",
            "RepriseWire", "RepriseConfiguration",
            "ArgumentParser", "Logging", "FoundationEssentials",
        ],
    ]

    @Test func `each target imports only what its layer allows`() {
        Violation.report(SourceFile.sources.flatMap(Self.violations))
    }

    static func violations(in file: SourceFile) -> [Violation] {
        guard let allowed = allowed[file.target] else {
            return [
                Violation(
                    path: file.path,
                    line: 1,
                    advice: "say in ImportTests what \(file.target) may import"
                )
            ]
        }
        return file.code.indices.compactMap { index in
            guard let module = importedModule(in: file.code[index]), !base.union(allowed).contains(module)
            else {
                return nil
            }
            return Violation(
                path: file.path,
                line: index + 1,
                advice: "\(file.target) may not import \(module)"
            )
        }
    }

    /// The top-level module that a line imports.
    static func importedModule(in line: String) -> String? {
        let words = line.split(separator: " ")
        guard let keyword = words.firstIndex(of: "import"), words[..<keyword].allSatisfy(isModifier) else {
            return nil
        }
        let kinds: Set<Substring> = [
            "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
        ]
        let name = words[(keyword + 1)...].first { !kinds.contains($0) }
        return name?.split(separator: ".").first.map(String.init)
    }

    private static func isModifier(_ word: Substring) -> Bool {
        word.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(word)
    }

    @Test func `forbidden imports are seen`() {
        let text = """
            public import Glibc
            import Foundation
            @preconcurrency internal import struct Foundation.Data
            // import Foundation
            import Crypto
            """
        let core = SourceFile(path: "Sources/RepriseCore/a.swift", text: text)
        #expect(Self.violations(in: core).map(\.line) == [2, 3, 5])
        let hashing = SourceFile(path: "Sources/RepriseHashing/Sub/a.swift", text: text)
        #expect(Self.violations(in: hashing).map(\.line) == [2, 3])
        #expect(Self.violations(in: SourceFile(path: "Sources/New/a.swift", text: "")).count == 1)
    }
}
