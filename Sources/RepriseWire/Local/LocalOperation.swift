/// What a message of the local protocol asks for; replies carry their request's.
///
/// - Source: docs/WIRE_LOCAL.md § 4.
public enum LocalOperation: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    /// Opens a connection; the reply brings the arena's descriptor.
    case hello = 1
    /// Asks for the longest stored prefix of keys, and may keep its values.
    case lookup = 2
    /// Takes leases of values.
    case acquire = 3
    /// Gives leases back.
    case release = 4
    /// Takes room for values.
    case reserve = 5
    /// Publishes values whose room is filled.
    case commit = 6
    /// Gives room back.
    case abandon = 7
    /// Removes keys.
    case remove = 8
    /// Asks which keys are stored.
    case exists = 9
    /// Asks what the node holds.
    case stats = 10
    /// Gives a lookup's values up.
    case forget = 11
    /// Stores a value whose bytes follow on the socket.
    case put = 12

    /// Whether the message is answered also when its sender does not ask for that.
    public var isAlwaysAnswered: Bool {
        switch self {
        case .release, .abandon, .forget: false
        default: true
        }
    }
}
