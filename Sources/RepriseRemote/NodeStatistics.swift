/// What a node says of itself, as it came.
public struct NodeStatistics: Hashable, Sendable {
    /// How the text is to be read.
    public enum Format: Hashable, Sendable {
        /// Prometheus' text format: what an lm node answers.
        case prometheus
        /// The sections of Redis' INFO: what a RESP server answers.
        case info
    }

    /// How the text is to be read.
    public let format: Format
    /// The text.
    public let text: String

    /// Creates statistics.
    public init(_ format: Format, _ text: String) {
        self.format = format
        self.text = text
    }
}
