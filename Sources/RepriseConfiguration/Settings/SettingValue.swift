/// A value as it was written.
internal enum SettingValue: Hashable, Sendable {
    case scalar(String)
    case list([String])
    /// The pairs of a mapping, in order, whose values may be anything; a scalar's text, `nil` for the rest.
    case mapping([Member])

    /// A pair of a mapping.
    struct Member: Hashable, Sendable {
        let name: String
        let text: String?
        /// From 1; 0 outside of files.
        let line: Int
    }

    /// The text of a single value.
    func scalar() throws(SettingProblem) -> String {
        guard case .scalar(let text) = self else { throw SettingProblem("write one value") }
        return text
    }

    /// The texts of a list, or of a single value with commas.
    func items() throws(SettingProblem) -> [String] {
        switch self {
        case .list(let items): return items
        case .scalar(let text):
            let items = text.split(separator: ",").map(String.trimmed).filter { !$0.isEmpty }
            guard items.count <= ConfigurationLimits.itemCountMax else {
                throw SettingProblem("at most \(ConfigurationLimits.itemCountMax) items")
            }
            return items
        case .mapping: throw SettingProblem("write a list, or one value with commas")
        }
    }
}

extension String {
    /// The text without spaces, tabs and line ends around it.
    internal static func trimmed(_ text: some StringProtocol) -> String {
        let isBlank: (Character) -> Bool = { $0.isWhitespace }
        let start = text.firstIndex { !isBlank($0) } ?? text.endIndex
        let end = text.lastIndex { !isBlank($0) }.map { text.index(after: $0) } ?? start
        return String(text[start..<end])
    }
}
