/// With what a client says who it is; shown nowhere, whatever prints it.
public struct NodeCredentials: Hashable, Sendable {
    /// The user that a password without a name belongs to.
    public static let defaultUser = "default"
    /// The longest password, in bytes.
    public static let passwordByteCountMax = 1024

    /// The user's name.
    public let user: String
    /// The password's bytes.
    public let password: [UInt8]

    /// Creates credentials.
    ///
    /// - Throws: ``RemoteError`` with code `invalidArgument` if the password is empty or too long.
    public init(user: String = defaultUser, password: [UInt8]) throws(RemoteError) {
        guard (1...NodeCredentials.passwordByteCountMax).contains(password.count) else {
            let limit = NodeCredentials.passwordByteCountMax
            throw RemoteError(.invalidArgument, "a password has 1 to \(limit) bytes")
        }
        self.user = user
        self.password = password
    }
}

extension NodeCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// That there are credentials, and nothing of them.
    public var description: String { "credentials" }
    /// That there are credentials, and nothing of them.
    public var debugDescription: String { description }
    /// A mirror without children.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
