import Testing

/// STYLE § A.5 and § A.9: `unsafe` and `@unchecked Sendable` have their places and their reasons.
@Suite struct `Memory safety` {
    static let unsafeFolders: Set<String> = ["Memory", "Storage", "Support", "IO", "Reactor"]
    /// The C interface takes pointers everywhere.
    static let unsafeTargets: Set<String> = ["RepriseC"]
    /// A function has 25 lines or so: a reason farther up is out of sight.
    static let reasonDistanceMax = 30
    /// Begins a reason that holds for all that follows in its file, such as a rule about who may touch what.
    static let reasonForFile = "// SAFETY, whole file:"

    @Test func `unsafe code lies in its folders`() {
        Violation.report(SourceFile.sources.flatMap(Self.misplaced))
    }

    @Test func `unsafe code has its reason in sight`() {
        Violation.report(SourceFile.sources.flatMap(Self.unexplained))
    }

    @Test func `unchecked Sendable has its reason above it`() {
        Violation.report(SourceFile.sources.flatMap(Self.unexplainedSendable))
    }

    static func misplaced(in file: SourceFile) -> [Violation] {
        guard unsafeFolders.isDisjoint(with: file.folders), !unsafeTargets.contains(file.target) else {
            return []
        }
        return file.lines(withToken: "unsafe").map {
            Violation(path: file.path, line: $0, advice: "`unsafe` outside \(unsafeFolders.sorted())")
        }
    }

    /// One violation for each file, at the first of its lines without a reason.
    static func unexplained(in file: SourceFile) -> [Violation] {
        let numbers = file.lines(withToken: "unsafe").filter { !hasReason($0, in: file) }
        guard let first = numbers.first else { return [] }
        let advice = "`unsafe` without a `// SAFETY:` comment above it, on lines \(numbers)"
        return [Violation(path: file.path, line: first, advice: advice)]
    }

    private static func hasReason(_ number: Int, in file: SourceFile) -> Bool {
        let first = max(0, number - 1 - reasonDistanceMax)
        return file.lines[first..<number].contains { $0.contains("// SAFETY:") }
            || file.lines[..<number].contains { $0.contains(reasonForFile) }
    }

    static func unexplainedSendable(in file: SourceFile) -> [Violation] {
        file.code.indices.filter { file.code[$0].contains("@unchecked Sendable") }.map { $0 + 1 }
            .filter { number in !file.preamble(above: number).contains { $0.hasPrefix("// Sendable:") } }
            .map { Violation(path: file.path, line: $0, advice: "no `// Sendable:` comment above it") }
    }

    @Test func `breaches are seen`() {
        let text = """
            final class A: @unchecked Sendable {}
            // Sendable: immutable after init.
            @safe
            final class B: @unchecked Sendable {}
            let a = unsafe f()
            // SAFETY: b is alive.
            let b = unsafe f(unsafely: 1)
            """
        let file = SourceFile(path: "Sources/T/Other/a.swift", text: text)
        #expect(Self.unexplainedSendable(in: file).map(\.line) == [1])
        #expect(Self.unexplained(in: file).map(\.line) == [5])
        let explained = SourceFile(path: "a.swift", text: Self.reasonForFile + " why.\n" + text)
        #expect(Self.unexplained(in: explained) == [])
        #expect(Self.misplaced(in: file).map(\.line) == [5, 7])
        #expect(Self.misplaced(in: SourceFile(path: "Sources/T/IO/a.swift", text: text)) == [])
        #expect(Self.misplaced(in: SourceFile(path: "Sources/RepriseC/a.swift", text: text)) == [])
    }
}
