public import RepriseRemote

/// One sample of Prometheus' text format, such as `reprise_hits{tier="memory"} 12`, or one line of INFO.
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
            return MetricSample(line[..<space].drop { $0 == " " }, line[line.index(after: space)...])
        }
    }

    /// Reads what a node says of itself, however it came.
    ///
    /// Of INFO these are the lines of the section that Reprise adds, if it is there, named as lm's statistics
    /// are; otherwise, since another server has answered, the lines of all sections.
    public static func parse(_ statistics: NodeStatistics) -> [MetricSample] {
        switch statistics.format {
        case .prometheus: parse(statistics.text)
        case .info: InfoText(statistics.text).metrics
        }
    }

    internal init?(_ name: Substring, _ value: Substring) {
        guard !name.isEmpty, !value.isEmpty else { return nil }
        self.name = String(name)
        self.value = String(value)
    }

    /// The name without labels.
    internal var family: Substring { name.prefix { $0 != "{" } }

    /// The value of a label; `nil` without it.
    ///
    /// Commas and quotes within values are not understood; Reprise writes none.
    internal func label(_ label: String) -> Substring? {
        let labels = name.dropFirst(family.count + 1).dropLast()
        for pair in labels.split(separator: ",") {
            let sides = pair.split(separator: "=", maxSplits: 1)
            if sides.count == 2, sides[0] == label { return sides[1].dropFirst().dropLast() }
        }
        return nil
    }
}
