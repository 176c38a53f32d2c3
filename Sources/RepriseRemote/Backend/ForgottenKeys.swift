import RepriseCore

/// Keys that must not be asked for any more, in bounded memory: a bit for each of many fingerprints.
///
/// A key that was added is always contained; another one may be, and is then a miss that need not have been.
struct ForgottenKeys {
    private static let wordCount = 1 << 20
    private var words: [UInt64] = []

    func contains(_ key: StorageKey) -> Bool {
        guard !words.isEmpty else { return false }
        let (word, bit) = Self.place(of: key)
        return words[word] & bit != 0
    }

    mutating func insert(_ key: StorageKey) {
        if words.isEmpty { words = [UInt64](repeating: 0, count: Self.wordCount) }
        let (word, bit) = Self.place(of: key)
        words[word] |= bit
    }

    private static func place(of key: StorageKey) -> (word: Int, bit: UInt64) {
        let position = key.fingerprint % UInt64(wordCount * 64)
        return (Int(position / 64), 1 << (position % 64))
    }
}
