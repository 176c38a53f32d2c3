internal import RepriseCore

/// How much memory a node takes: a size, or a share of what the machine or the container has.
internal enum MemoryAmount: Hashable, Sendable {
    case bytes(Int)
    /// More than 0 and at most 100.
    case percent(Double)

    /// Reads `4GiB`, `40960000B` or `25%`.
    init(parsing text: String) throws(SettingProblem) {
        guard text.hasSuffix("%") else {
            self = .bytes(try SettingKind.size(min: 1).parse(.scalar(text)))
            return
        }
        guard let percent = DecimalText.number(text.dropLast()), percent > 0, percent <= 100 else {
            throw SettingProblem("\(Quoted(text)) is no share of memory: more than 0% and at most 100%")
        }
        self = .percent(percent)
    }

    /// The bytes, where all of the memory is `total` bytes.
    func byteCount(of total: Int) -> Int {
        switch self {
        case .bytes(let count): return count
        case .percent(let percent):
            // Whole MiB, so that the size reads well; a small limit keeps at least one.
            return max(1, Int(Double(total) * percent / 100) >> 20) << 20
        }
    }
}
