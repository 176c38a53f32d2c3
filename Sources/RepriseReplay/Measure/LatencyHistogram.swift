/// Counts latencies in buckets whose width grows with the value, so that each is known within 3.2 %.
///
/// Every power of two is cut into 32 buckets of one width (values below 32 ns have a bucket each); the
/// largest value is kept exactly as well.
public struct LatencyHistogram: Sendable {
    private static let subBucketBits = 5
    private static let subBucketCount = 1 << subBucketBits
    private static let bucketCount = (64 - subBucketBits + 1) * subBucketCount

    private var counts = [Int](repeating: 0, count: bucketCount)
    /// How many latencies were recorded.
    public private(set) var count = 0
    private var maximumNanoseconds: UInt64 = 0
    private var sumNanoseconds = 0.0

    /// Creates an empty histogram.
    public init() {}

    /// Counts one latency, in nanoseconds.
    ///
    /// - Complexity: O(1).
    public mutating func record(nanoseconds: UInt64) {
        counts[LatencyHistogram.bucket(of: nanoseconds)] += 1
        count += 1
        maximumNanoseconds = max(maximumNanoseconds, nanoseconds)
        sumNanoseconds += Double(nanoseconds)
    }

    /// Adds everything that another histogram has counted.
    public mutating func merge(_ other: LatencyHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        maximumNanoseconds = max(maximumNanoseconds, other.maximumNanoseconds)
        sumNanoseconds += other.sumNanoseconds
    }

    /// The latency in nanoseconds that `fraction` of all do not exceed, rounded up to its bucket's largest;
    /// `nil` when there are none.
    ///
    /// - Precondition: `fraction` is from 0 to 1.
    public func nanoseconds(atFraction fraction: Double) -> Double? {
        precondition(fraction >= 0 && fraction <= 1, "a fraction of \(fraction)")
        guard count > 0 else { return nil }
        let rank = max(Int((fraction * Double(count)).rounded(.up)), 1)
        var seen = 0
        for (index, bucketCount) in counts.enumerated() where bucketCount > 0 {
            seen += bucketCount
            guard seen >= rank else { continue }
            return Double(min(LatencyHistogram.largest(inBucket: index), maximumNanoseconds))
        }
        return Double(maximumNanoseconds)
    }

    /// The largest latency in nanoseconds, exactly, or `nil` when there are none.
    public var largestNanoseconds: Double? { count > 0 ? Double(maximumNanoseconds) : nil }

    /// The mean latency in nanoseconds, or `nil` when there are none.
    public var meanNanoseconds: Double? { count > 0 ? sumNanoseconds / Double(count) : nil }

    internal static func bucket(of nanoseconds: UInt64) -> Int {
        let octave = max(64 - nanoseconds.leadingZeroBitCount - subBucketBits, 0)
        guard octave > 0 else { return Int(nanoseconds) }
        // The bits below the leading one, cut to five; the shift keeps the leading one itself as the sixth
        // bit.
        let top = Int(nanoseconds >> UInt64(octave - 1))
        return octave * subBucketCount + (top - subBucketCount)
    }

    internal static func largest(inBucket index: Int) -> UInt64 {
        let octave = index / subBucketCount
        guard octave > 0 else { return UInt64(index) }
        let top = UInt64(index % subBucketCount + subBucketCount)
        // Wraps to the largest value in the last bucket, whose upper neighbour would be 2^64.
        return ((top &+ 1) << UInt64(octave - 1)) &- 1
    }
}
