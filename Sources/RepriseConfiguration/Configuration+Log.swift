extension Configuration {
    /// How a node logs.
    public struct Log: Sendable {
        /// The least level that is logged; the names are swift-log's.
        public enum Level: String, Sendable, CaseIterable {
            /// swift-log's levels.
            case trace, debug, info, notice, warning, error, critical
        }

        /// How a line is written.
        public enum Format: String, Sendable, CaseIterable {
            /// As text, or as a JSON object.
            case text, json
        }

        /// The least level that is logged.
        public internal(set) var level = Level.info
        /// How a line is written.
        public internal(set) var format = Format.text
    }
}
