internal import CReprise

/// What became of a call, or of one key: the codes of `reprise_status`.
enum Status: Int32, CaseIterable, Sendable {
    case ok = 0
    case missing = -1
    case invalidArgument = -2
    case notConnected = -3
    case timeout = -4
    case forked = -5
    case closed = -6
    case refused = -7
    case length = -8
    case noRoom = -9
    case lease = -10
    case system = -11
    case protocolError = -12

    /// The code as one of a batch's results.
    var result: Int64 { Int64(rawValue) }

    /// The status in a few words.
    var text: StaticString {
        switch self {
        case .ok: "done"
        case .missing: "the key is not stored"
        case .invalidArgument: "an argument is wrong"
        case .notConnected: "not connected to the node"
        case .timeout: "the node did not answer in time"
        case .forked: "the client belongs to the parent process"
        case .closed: "the client is closed"
        case .refused: "the node refuses this client"
        case .length: "the value has another length than the memory for it"
        case .noRoom: "there is no room for the value, or a limit is reached"
        case .lease: "the lease is not held"
        case .system: "the system has refused memory, a thread or a descriptor"
        case .protocolError: "the node has answered what it must not"
        }
    }
}

/// Why a call failed as a whole.
struct CallError: Error, Sendable {
    /// What the call returns.
    let status: Status
    /// What was wrong and what to do.
    let message: String

    init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }
}
