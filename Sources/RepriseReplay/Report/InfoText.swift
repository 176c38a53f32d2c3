/// The answer to INFO: sections of lines, each with a name and a value.
public struct InfoText: Sendable {
    /// One section.
    public struct Section: Sendable {
        /// The section's name; empty for lines before the first.
        public let name: String
        /// The lines.
        public internal(set) var samples: [MetricSample] = []
    }

    /// The name of the section that a Reprise node adds.
    public static let repriseSection = "Reprise"

    /// The sections, in order.
    public let sections: [Section]

    /// Reads a text; lines that are neither a section's name nor a sample are left out.
    ///
    /// A value is what follows the last colon in the section of Reprise, and the first one elsewhere.
    public init(_ text: String) {
        var sections = [Section(name: "")]
        for line in text.split(whereSeparator: \.isNewline) {
            guard !line.hasPrefix("#") else {
                sections.append(Section(name: String(line.dropFirst().drop { $0 == " " })))
                continue
            }
            let last = sections.count - 1
            let isReprise = sections[last].name == InfoText.repriseSection
            let colon = isReprise ? line.lastIndex(of: ":") : line.firstIndex(of: ":")
            guard let colon else { continue }
            guard let sample = MetricSample(line[..<colon], line[line.index(after: colon)...]) else {
                continue
            }
            sections[last].samples.append(sample)
        }
        self.sections = sections
    }

    /// Whether a Reprise node has answered.
    public var isReprise: Bool { sections.contains { $0.name == InfoText.repriseSection } }

    /// The lines of the section of Reprise, if it is there, or else of all sections.
    internal var metrics: [MetricSample] {
        sections.filter { !isReprise || $0.name == InfoText.repriseSection }.flatMap(\.samples)
    }
}
