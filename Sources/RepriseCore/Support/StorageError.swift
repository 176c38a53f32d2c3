/// Why a pool or a storage backend could not do what it was asked.
///
/// A miss is not an error: lookups return `nil` for it.
public struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; new codes may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String { case outOfMemory, tooLarge, invalidArgument, unsupported, closed, system }
        private let kind: Kind

        /// Nothing more can be allocated, and nothing can be evicted to make room.
        public static let outOfMemory = Code(kind: .outOfMemory)
        /// The value can never fit: it is larger than the pool or than a limit.
        public static let tooLarge = Code(kind: .tooLarge)
        /// An argument breaks the contract of the call.
        public static let invalidArgument = Code(kind: .invalidArgument)
        /// This build or this machine cannot do it.
        public static let unsupported = Code(kind: .unsupported)
        /// The pool or backend was closed.
        public static let closed = Code(kind: .closed)
        /// The operating system refused; the message names the call and the error.
        public static let system = Code(kind: .system)

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
