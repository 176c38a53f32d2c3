/// A configuration, and where each of its settings comes from.
public struct ResolvedConfiguration: Sendable {
    /// One setting as it is in effect.
    public struct Row: Hashable, Sendable {
        /// The setting's name, as in a file.
        public let name: String
        /// Its value as text, without secrets; `-` for none.
        public let value: String
        /// Where it comes from.
        public let origin: ConfigurationOrigin
        /// What else is to be known about it.
        public let note: String?
    }

    /// The configuration.
    public let configuration: Configuration
    /// Every setting of Reprise, in the table's order, then what was given and has no effect.
    public let rows: [Row]
    /// What the user should know, a sentence each.
    public let notices: [String]

    /// Where a setting comes from.
    public func origin(of name: String) -> ConfigurationOrigin {
        rows.first { $0.name == name }?.origin ?? .default
    }

    /// An error about the value of a setting, for what is read elsewhere.
    public func error(in name: String, _ reason: String) -> ConfigurationError {
        ConfigurationError(.invalidValue, at: origin(of: name), name: name, reason)
    }
}
