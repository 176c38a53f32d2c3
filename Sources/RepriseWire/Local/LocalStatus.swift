/// What became of a message of the local protocol, or of one of its elements.
///
/// - Source: docs/WIRE_LOCAL.md § 5.
public enum LocalStatus: Int32, CaseIterable, Sendable, BitwiseCopyable {
    /// Done; of a key asked for: stored.
    case ok = 0
    /// The key is not stored.
    case missing = 1
    /// The message breaks the protocol; the connection is closed.
    case malformed = 2
    /// The other end speaks another major version; the connection is closed.
    case wrongVersion = 3
    /// The client may not do this.
    case notPermitted = 4
    /// The value is larger than the node takes.
    case tooLarge = 5
    /// Nothing can make room for the value.
    case noRoom = 6
    /// The connection has no such lease or reservation.
    case unknownIdentifier = 7
    /// What the client's session holds already is at its limit.
    case limitReached = 8
    /// Not now: what came before it in the message has been done; ask again for the rest.
    case later = 9
    /// The value was not published.
    case notStored = 10

    /// The status in words.
    public var text: String {
        switch self {
        case .ok: "done"
        case .missing: "the key is not stored"
        case .malformed: "the message breaks the protocol"
        case .wrongVersion: "the node speaks another version of the protocol"
        case .notPermitted: "the node does not permit this to its client"
        case .tooLarge: "the value is larger than the node takes"
        case .noRoom: "nothing can make room for the value"
        case .unknownIdentifier: "the connection has no such lease or reservation"
        case .limitReached: "what the session holds is at its limit"
        case .later: "not now; ask again for the rest"
        case .notStored: "the value was not published"
        }
    }
}
