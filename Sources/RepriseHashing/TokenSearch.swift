/// Finds a sequence of tokens in prompts.
///
/// - Source: Knuth, Morris and Pratt, "Fast pattern matching in strings", SIAM J. Comput. 6 (1977).
internal struct TokenSearch: Sendable {
    private let pattern: [Int64]
    /// For each number of tokens that match: how many still do when the next one does not.
    private let borders: [Int]

    /// Prepares a search.
    ///
    /// - Precondition: there are tokens to search for, or this traps.
    init(for tokens: TokenArray) {
        switch tokens.storage {
        case .uint32(let tokens): pattern = tokens.map(Int64.init)
        case .int64(let tokens): pattern = tokens
        }
        precondition(!pattern.isEmpty, "a search for no tokens")
        var borders = [0, 0]
        for index in pattern.indices.dropFirst() {
            var count = borders[index]
            while count > 0, pattern[count] != pattern[index] { count = borders[count] }
            borders.append(pattern[count] == pattern[index] ? count + 1 : 0)
        }
        self.borders = borders
    }

    /// What stands between the places where the tokens are found, from left to right and without overlaps;
    /// nothing where nothing stands.
    ///
    /// - Complexity: O(tokens).
    func segments(of tokens: TokenArray) -> [Range<Int>] {
        switch tokens.storage {
        case .uint32(let tokens): segments(of: tokens.span)
        case .int64(let tokens): segments(of: tokens.span)
        }
    }

    // Generic, but called with two concrete types and in this module only: the optimiser specialises it.
    private func segments<Token: FixedWidthInteger & BitwiseCopyable>(of tokens: Span<Token>) -> [Range<Int>]
    {
        var segments: [Range<Int>] = []
        var start = 0
        var matchCount = 0
        for index in tokens.indices {
            let token = Int64(tokens[index])
            while matchCount > 0, pattern[matchCount] != token { matchCount = borders[matchCount] }
            if pattern[matchCount] == token { matchCount += 1 }
            guard matchCount == pattern.count else { continue }
            matchCount = 0
            let end = index + 1 - pattern.count
            if start < end { segments.append(start..<end) }
            start = index + 1
        }
        if start < tokens.count { segments.append(start..<tokens.count) }
        return segments
    }
}
