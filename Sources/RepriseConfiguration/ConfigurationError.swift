/// Why a configuration cannot be used; the message names file and line, variable or option, and what is
/// allowed.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; new codes may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case unreadableFile, malformedFile, tooLarge, unknownSetting, duplicateSetting, invalidValue
            case refused, conflict
        }
        private let kind: Kind

        /// A file cannot be opened or read.
        public static let unreadableFile = Code(kind: .unreadableFile)
        /// A file is no YAML, no UTF-8, or no mapping of names to values.
        public static let malformedFile = Code(kind: .malformedFile)
        /// A limit of ``ConfigurationLimits`` is passed.
        public static let tooLarge = Code(kind: .tooLarge)
        /// There is no such setting.
        public static let unknownSetting = Code(kind: .unknownSetting)
        /// A setting is given twice in one place.
        public static let duplicateSetting = Code(kind: .duplicateSetting)
        /// A value is not what its setting takes.
        public static let invalidValue = Code(kind: .invalidValue)
        /// A setting asks for a system that is not spoken.
        public static let refused = Code(kind: .refused)
        /// Settings contradict each other.
        public static let conflict = Code(kind: .conflict)

        /// The code's name, as in the source.
        public var description: String { kind.rawValue }
    }

    /// What kind of failure it is.
    public let code: Code
    /// Where it is, what is wrong, and what is allowed.
    public let message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Creates an error of the setting that comes from `origin`.
    public init(_ code: Code, at origin: ConfigurationOrigin, name: String, _ reason: String) {
        self.init(code, origin.prefix(for: name) + reason)
    }

    /// The message.
    public var description: String { message }
}
