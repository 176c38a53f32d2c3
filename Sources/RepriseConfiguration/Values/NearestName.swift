/// The name that somebody meant.
internal enum NearestName {
    /// The known name nearest to a text, unless none is near.
    ///
    /// - Complexity: O(names × length²); a text that is longer than a key may be has none.
    static func find(_ text: String, among names: some Sequence<String>) -> String? {
        let wanted = Array(text.lowercased().utf8)
        guard wanted.count <= ConfigurationLimits.keyByteCountMax else { return nil }
        let limit = max(2, wanted.count / 3)
        let candidates = names.map { name in
            let bytes = Array(name.lowercased().utf8)
            // Somebody who leaves an end out means the whole.
            let isBeginning = wanted.count >= 4 && bytes.starts(with: wanted)
            return (name: name, distance: isBeginning ? 1 : distance(wanted, bytes))
        }
        let nearest = candidates.min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return nearest.flatMap { $0.distance <= limit ? $0.name : nil }
    }

    /// How many bytes must be added, dropped, replaced or exchanged with their neighbour.
    ///
    /// - Source: the optimal string alignment distance; L. Boytsov, Indexing methods for approximate
    ///   dictionary searching, 2011.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var older: [Int] = []
        var previous = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let isSame = left[row] == right[column]
                var best = min(
                    previous[column] + (isSame ? 0 : 1),
                    previous[column + 1] + 1,
                    current[column] + 1
                )
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, older[column - 1] + 1)
                }
                current.append(best)
            }
            (older, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
