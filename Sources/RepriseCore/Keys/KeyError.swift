/// Why a text is no key, or why fields cannot form one.
public struct KeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; new codes may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case malformed, notUTF8, invalidNumber, invalidHash, invalidDType, invalidLayer, invalidTag,
                invalidName
        }
        private let kind: Kind

        /// The text has too few parts to be a key.
        public static let malformed = Code(kind: .malformed)
        /// The bytes are not UTF-8.
        public static let notUTF8 = Code(kind: .notUTF8)
        /// The world size or the worker id is not a decimal integer in its shortest form.
        public static let invalidNumber = Code(kind: .invalidNumber)
        /// The chunk hash is empty, holds a byte that no hash may hold, or is not hexadecimal where it must
        /// be.
        public static let invalidHash = Code(kind: .invalidHash)
        /// The word where the element type belongs names none.
        public static let invalidDType = Code(kind: .invalidDType)
        /// The layer is negative, no decimal integer, or cannot be told from another field.
        public static let invalidLayer = Code(kind: .invalidLayer)
        /// A tag has no `%`, or holds a separator where none may be.
        public static let invalidTag = Code(kind: .invalidTag)
        /// The engine's or the model's name is empty, or the engine's holds `@`.
        public static let invalidName = Code(kind: .invalidName)

        /// The code's name, as in the source.
        public var description: String { kind.rawValue }
    }

    /// What kind of failure it is.
    public let code: Code
    /// What went wrong and what to do about it.
    public let message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
