/// Why a server could not start.
public struct ServerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; new codes may be added.
    public struct Code: Hashable, Sendable {
        private enum Kind { case badAddress, addressInUse, noPermission, badAccess, system }
        private let kind: Kind

        /// The address cannot be understood or resolved.
        public static let badAddress = Code(kind: .badAddress)
        /// Somebody listens there already.
        public static let addressInUse = Code(kind: .addressInUse)
        /// The system does not allow it.
        public static let noPermission = Code(kind: .noPermission)
        /// What is allowed to whom makes no sense, or is not safe.
        public static let badAccess = Code(kind: .badAccess)
        /// Another system call failed.
        public static let system = Code(kind: .system)
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

    /// The message.
    public var description: String { message }
}
