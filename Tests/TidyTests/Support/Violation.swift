import Testing

/// One breach of a rule: where, and what to do about it.
struct Violation: Equatable, CustomStringConvertible {
    var path: String
    var line: Int
    var advice: String

    var description: String { "\(path):\(line): \(advice)" }

    /// Fails the current test once for each violation.
    static func report(_ violations: [Violation]) {
        for violation in violations {
            Issue.record("\(violation)")
        }
    }
}
