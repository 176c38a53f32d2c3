/// Why bytes from a peer could not be understood, or a message could not be put into bytes.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; new codes may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case tooShort, unknownCommand, badLength, badKey, badShape, badMetadata, tooLarge, badReply
            case badCommand
        }
        private let kind: Kind

        /// There are fewer bytes than the message needs.
        public static let tooShort = Code(kind: .tooShort)
        /// The command's number is not one of the protocol's.
        public static let unknownCommand = Code(kind: .unknownCommand)
        /// A length is negative, or stands where none belongs; the framing is lost.
        public static let badLength = Code(kind: .badLength)
        /// A key is empty, not UTF-8, or would not come back from the wire as it was.
        public static let badKey = Code(kind: .badKey)
        /// A shape has too many or too few dimensions, or a dimension that the wire cannot carry.
        public static let badShape = Code(kind: .badShape)
        /// A format or element type is unknown, or the wire has no number for it.
        public static let badMetadata = Code(kind: .badMetadata)
        /// A key or payload is longer than its limit.
        public static let tooLarge = Code(kind: .tooLarge)
        /// A server's reply breaks the protocol; the connection is of no more use.
        public static let badReply = Code(kind: .badReply)

        /// A command breaks the protocol; the message is what Redis answers, and the connection is of no more
        /// use.
        public static let badCommand = Code(kind: .badCommand)

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
