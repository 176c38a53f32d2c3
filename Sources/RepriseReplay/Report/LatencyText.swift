/// The percentiles that every report names.
internal enum LatencyText {
    private static let fractions: [(name: String, fraction: Double)] = [
        ("p50", 0.5), ("p90", 0.9), ("p99", 0.99),
    ]

    /// Median, 90th and 99th percentile and largest latency; dashes when there are none.
    static func cells(_ latencies: LatencyHistogram) -> [String] {
        let values =
            fractions.map { latencies.nanoseconds(atFraction: $0.fraction) } + [latencies.largestNanoseconds]
        return values.map { $0.map(HumanText.nanoseconds) ?? "-" }
    }

    /// The same and the mean, in microseconds; an empty object when there are none.
    static func json(_ latencies: LatencyHistogram) -> JSONValue {
        var values = fractions.map { ($0.name, latencies.nanoseconds(atFraction: $0.fraction)) }
        values += [("max", latencies.largestNanoseconds), ("mean", latencies.meanNanoseconds)]
        return .object(values.compactMap { name, value in value.map { (name, .number($0 / 1000)) } })
    }
}
