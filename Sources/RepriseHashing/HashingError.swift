/// Why tokens could not be hashed as asked.
public struct HashingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; new codes may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case tokenOutOfRange, invalidChunkSize, invalidMask, misalignedMask, invalidAlgorithm,
                invalidPrefix, invalidSeparator
        }
        private let kind: Kind

        /// A token is negative or above 2³² - 1, and the algorithm hashes unsigned 32-bit tokens.
        public static let tokenOutOfRange = Code(kind: .tokenOutOfRange)
        /// The chunk size is not between 1 and ``ChunkHashes/chunkSizeMax``.
        public static let invalidChunkSize = Code(kind: .invalidChunkSize)
        /// The mask has not one value per token, or does not read F…FT…T.
        public static let invalidMask = Code(kind: .invalidMask)
        /// The number of masked tokens is not a multiple of the chunk size.
        public static let misalignedMask = Code(kind: .misalignedMask)
        /// No algorithm has this name, or it cannot take this seed.
        public static let invalidAlgorithm = Code(kind: .invalidAlgorithm)
        /// The hash that a chain is to go on from was not made by its algorithm.
        public static let invalidPrefix = Code(kind: .invalidPrefix)
        /// A separator of segments has no tokens.
        public static let invalidSeparator = Code(kind: .invalidSeparator)

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
