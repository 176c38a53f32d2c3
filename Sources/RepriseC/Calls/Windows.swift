/// Parts of a batch that are worked on at a time.
enum Windows {
    /// Splits positions into ranges of at most so many bytes, or of one position that is longer.
    ///
    /// - Complexity: O(count).
    static func split(
        count: Int,
        byteCountMax: Int,
        countMax: Int = .max,
        _ byteCount: (Int) -> Int
    ) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        var total = 0
        for index in 0..<count {
            let length = byteCount(index)
            let isFull = index - start >= countMax || length > byteCountMax - min(byteCountMax, total)
            if isFull, index > start {
                ranges.append(start..<index)
                (start, total) = (index, 0)
            }
            // Cut, since lengths that callers name can add up to more than a number holds.
            total = total.addingReportingOverflow(length).overflow ? .max : total + length
        }
        if start < count { ranges.append(start..<count) }
        return ranges
    }
}
