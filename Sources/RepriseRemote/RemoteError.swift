internal import RepriseCore

/// Why a node could not be reached, or did not answer as its protocol says.
///
/// A miss is not an error. After any of these but `invalidURL`, `invalidArgument` and `rejected` the
/// connection is closed, because the place in its stream is no longer known.
public struct RemoteError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; new codes may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case invalidURL, invalidArgument, unreachable, refused, timedOut, closed, protocolViolation,
                rejected
            case tooLarge, system
        }
        private let kind: Kind

        /// A URL cannot be read.
        public static let invalidURL = Code(kind: .invalidURL)
        /// An argument cannot be sent, such as a key that is too long; nothing was sent.
        public static let invalidArgument = Code(kind: .invalidArgument)
        /// The host name is unknown, or there is no way to the host.
        public static let unreachable = Code(kind: .unreachable)
        /// Nothing listens at the address.
        public static let refused = Code(kind: .refused)
        /// The peer did not take or send a byte in time.
        public static let timedOut = Code(kind: .timedOut)
        /// The peer closed the connection, or an earlier failure did.
        public static let closed = Code(kind: .closed)
        /// The peer sent something that is no answer in this dialect.
        public static let protocolViolation = Code(kind: .protocolViolation)
        /// The peer understood the request and said no, where no is not a miss; over RESP the message is
        /// what the server says.
        public static let rejected = Code(kind: .rejected)
        /// A reply is larger than the caller's limit.
        public static let tooLarge = Code(kind: .tooLarge)
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

    internal static func invalidURL(_ text: String, _ reason: String) -> RemoteError {
        RemoteError(
            .invalidURL,
            "'\(text)': \(reason); a URL is lm://host:port, lm://[::1]:port, unix:///path, "
                + "redis://[:password@]host:port or redis+unix:///path"
        )
    }
}

extension RemoteError {
    /// Whether a RESP server's error begins with one of these words.
    internal func hasPrefix(_ words: String...) -> Bool {
        code == .rejected && words.contains { message.hasPrefix($0 + " ") || message == $0 }
    }

    /// Waits a moment.
    ///
    /// - Throws: `timedOut` when the moment would end after the deadline.
    internal static func pause(
        milliseconds: Int64,
        until deadline: ContinuousClock.Instant?
    ) throws(RemoteError) {
        if let deadline, ContinuousClock.now + .milliseconds(milliseconds) >= deadline {
            throw RemoteError(.timedOut, "the store did not recover within the time limit")
        }
        Thread.sleep(milliseconds: milliseconds)
    }
}
