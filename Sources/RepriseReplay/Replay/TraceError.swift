/// Why a line of a trace cannot be read.
public struct TraceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; new codes may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case syntax, unknownField, duplicateField, missingField, badNumber, tooLarge
        }
        private let kind: Kind

        /// The line is no JSON object as traces have them.
        public static let syntax = Code(kind: .syntax)
        /// The object has a field that traces do not have.
        public static let unknownField = Code(kind: .unknownField)
        /// The object has a field twice.
        public static let duplicateField = Code(kind: .duplicateField)
        /// The object lacks a field.
        public static let missingField = Code(kind: .missingField)
        /// A number is not whole, negative or over 2^63 - 1.
        public static let badNumber = Code(kind: .badNumber)
        /// A request has too many blocks.
        public static let tooLarge = Code(kind: .tooLarge)

        /// The code's name, as in the source.
        public var description: String { kind.rawValue }
    }

    /// What kind of failure it is.
    public let code: Code
    /// The line, counted from 1.
    public let line: Int
    /// What went wrong and what would be accepted.
    public let message: String

    /// Creates an error.
    public init(_ code: Code, line: Int, _ message: String) {
        self.code = code
        self.line = line
        self.message = message
    }

    /// The line and the message.
    public var description: String { "line \(line): \(message)" }
}
