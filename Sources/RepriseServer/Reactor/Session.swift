internal import RepriseCore

/// What one connection's protocol makes of the bytes that arrive: decides, appends replies, and touches no
/// socket.
///
/// Confined to the thread of its connection's reactor.
protocol Session: AnyObject {
    /// Uses what has arrived of the connection's requests.
    ///
    /// - Parameters:
    ///   - bytes: All that has arrived and was not used; not empty.
    ///   - isLastTry: The first request has waited as long as it may: it is not told to wait again.
    /// - Returns: How many bytes were used, and why not more. A request that is to wait is not used: it is
    ///   decoded again when it is tried again.
    func process(_ bytes: RawSpan, on connection: Connection, isLastTry: Bool) -> SessionProgress

    /// Takes a value whose last byte has arrived.
    func receive(_ reservation: consuming Reservation, on connection: Connection)

    /// Whether part of a request was used, and the rest is to come.
    var isAmidRequest: Bool { get }

    /// A descriptor that becomes readable when the peer's process has ended; `nil` for none.
    var processDescriptor: Int32? { get }

    /// Whether the peer may be reading or writing memory of the node, so that its connection's end must wait
    /// for the peer's own.
    var peerHoldsMemory: Bool { get }

    /// Whether nothing is left to do once the peer has closed its side.
    var endsWithPeer: Bool { get }

    /// Does what is due; called about once a second.
    func handleTime(_ now: ContinuousClock.Instant)

    /// Lets go of everything that the peer held: it has ended.
    func end()
}

extension Session {
    var processDescriptor: Int32? { nil }
    var peerHoldsMemory: Bool { false }
    var endsWithPeer: Bool { false }
    func handleTime(_ now: ContinuousClock.Instant) {}
    func end() {}
}

/// How far a session got.
struct SessionProgress {
    /// Why a session stopped.
    enum Stop {
        /// More bytes are needed, or the replies must be sent first.
        case later
        /// The next request waits.
        case wait(Connection.WaitReason)
        /// A payload follows, which the connection now receives or drops.
        case receive
        /// The connection is to be closed when its replies are sent; nothing more of it is read.
        case close
    }

    let usedByteCount: Int
    let stop: Stop
}
