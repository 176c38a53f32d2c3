/// One sample of Prometheus' text format, such as `reprise_hits{tier="memory"} 12`.
public struct MetricSample: Hashable, Sendable {
    /// The metric's name with its labels, if it has any.
    public let name: String
    /// The value as written.
    public let value: String

    /// Reads the samples of a text in order; comments, and lines that are no samples, are left out.
    ///
    /// A timestamp behind the value is not understood; Reprise writes none.
    public static func parse(_ text: String) -> [MetricSample] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            guard !line.hasPrefix("#"), let space = line.lastIndex(of: " ") else { return nil }
            let name = line[..<space].drop { $0 == " " }
            let value = line[line.index(after: space)...]
            guard !name.isEmpty, !value.isEmpty else { return nil }
            return MetricSample(name: String(name), value: String(value))
        }
    }
}
