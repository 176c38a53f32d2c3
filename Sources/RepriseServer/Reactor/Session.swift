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
