import Testing

@testable import RepriseReplay

struct LatencyHistogramTests {
    @Test(arguments: [0, 1, 31, 32, 33, 63, 64, 1000, 1_234_567, 1 << 40, UInt64.max - 1, .max] as [UInt64])
    func `a bucket holds its value and is at most 3.2 percent wide`(value: UInt64) {
        let bucket = LatencyHistogram.bucket(of: value)
        let largest = LatencyHistogram.largest(inBucket: bucket)
        #expect(largest >= value)
        #expect(Double(largest - value) <= Double(value) * 0.032)
        #expect(bucket == 0 || LatencyHistogram.largest(inBucket: bucket - 1) < value)
    }

    @Test func `percentiles of 1 to 1000 are near the exact ones`() throws {
        var histogram = LatencyHistogram()
        for value in (1...1000).shuffled() { histogram.record(nanoseconds: UInt64(value)) }
        for fraction in [0.01, 0.5, 0.9, 0.99, 1] {
            let found = try #require(histogram.nanoseconds(atFraction: fraction))
            let exact = fraction * 1000
            #expect(found >= exact && found <= exact * 1.032 + 1)
        }
        #expect(histogram.largestNanoseconds == 1000)
        #expect(histogram.meanNanoseconds == 500.5)
    }

    @Test func `merging counts everything once`() {
        var left = LatencyHistogram()
        var right = LatencyHistogram()
        for value in 1...10 as ClosedRange<UInt64> { left.record(nanoseconds: value) }
        for value in 11...30 as ClosedRange<UInt64> { right.record(nanoseconds: value) }
        left.merge(right)
        #expect(left.count == 30)
        #expect(left.nanoseconds(atFraction: 0.5) == 15)
        #expect(left.largestNanoseconds == 30)
    }

    @Test func `an empty histogram has no percentiles`() {
        #expect(LatencyHistogram().nanoseconds(atFraction: 0.5) == nil)
        #expect(LatencyHistogram().largestNanoseconds == nil)
    }
}
