/// The requests that are served.
enum Prompts {
    /// Reads a line of token numbers; `nil` for anything else.
    static func parse(_ line: String) -> [UInt32]? {
        let words = line.split(separator: " ")
        let tokens = words.compactMap { UInt32($0) }
        return tokens.isEmpty || tokens.count < words.count ? nil : tokens
    }

    /// Two users who talk to the same assistant; the first one's prompts grow turn by turn.
    static var conversation: [[UInt32]] {
        let system = tokens(1000, count: 64)
        let question = system + tokens(2000, count: 40)
        let answered = question + tokens(3000, count: 100)
        return [
            question,
            answered + tokens(4000, count: 24),
            system + tokens(5000, count: 48),
            answered + tokens(4000, count: 60),
        ]
    }

    private static func tokens(_ first: UInt32, count: UInt32) -> [UInt32] { Array(first..<first + count) }
}
