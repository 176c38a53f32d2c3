/// When a record was written, for good: no two records of one disk have the same.
///
/// The upper 24 bits count how often the disk was opened, the lower 40 count within that: the open count is
/// durable before the first record is written, so that no number is used twice, also when the journal's tail
/// is lost.
package struct RecordSequence: Hashable, Comparable, Sendable, BitwiseCopyable {
    /// Both counts in one word.
    package let rawValue: UInt64

    private static let counterBitCount: UInt64 = 40
    /// The largest open count.
    static let openCountMax: UInt32 = 1 << 24 - 1

    /// Before every record.
    package static let zero = RecordSequence(rawValue: 0)

    /// Creates a sequence from its word.
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Creates a sequence from its counts.
    ///
    /// - Precondition: the open count has at most 24 bits, the counter at most 40.
    package init(openCount: UInt32, counter: UInt64) {
        precondition(openCount < 1 << 24 && counter < 1 << Self.counterBitCount, "a count is too large")
        rawValue = UInt64(openCount) << Self.counterBitCount | counter
    }

    /// How often the disk had been opened.
    package var openCount: UInt32 { UInt32(rawValue >> Self.counterBitCount) }

    /// The number within that.
    package var counter: UInt64 { rawValue & (1 << Self.counterBitCount - 1) }

    /// The next sequence of the same opening; traps after a trillion.
    package var next: RecordSequence { RecordSequence(openCount: openCount, counter: counter + 1) }

    /// Whether one record was written before another.
    package static func < (left: RecordSequence, right: RecordSequence) -> Bool {
        left.rawValue < right.rawValue
    }
}
