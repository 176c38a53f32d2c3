internal import Glibc
internal import RepriseCore
internal import RepriseWire

/// One client's connection: what has arrived and not been used, the transfer under way, and the replies that
/// wait.
///
/// Confined to its reactor's thread.
final class Connection {
    /// A PUT whose payload is arriving.
    struct IncomingValue: ~Copyable {
        let reservation: Reservation
        let key: StorageKey
        let byteCount: Int
        var receivedByteCount = 0
    }

    /// What a request waits for.
    enum WaitReason {
        /// A PUT waits for reservations to end, and is told when one does.
        case reservations
        /// A GET waits for replies to be sent, its own connection's or others'.
        case heldReplies
    }

    /// A request that waits; its payload, if any, has not been read.
    struct ParkedRequest {
        let request: LMRequest
        let reason: WaitReason
        var deadline: ContinuousClock.Instant
    }

    let identifier: UInt64
    let descriptor: Int32
    var decoder = LMRequestDecoder()
    /// Bytes that arrived and belong to requests not begun yet.
    var pending = PendingBytes()
    /// How much of `pending` its reactor has counted.
    var countedPendingByteCount = 0
    var incoming: IncomingValue?
    /// Bytes of a dropped PUT's payload that are still to be read.
    var discardByteCount = 0
    var parked: ParkedRequest?
    var replies = ReplyQueue()
    /// The peer has closed its side: nothing more will arrive.
    var hasEnded = false
    /// Close as soon as the replies are sent.
    var closesWhenSent = false
    /// When to close though the peer has not ended; set once the server has ended its side, from when on all
    /// that arrives is dropped.
    var lingerDeadline: ContinuousClock.Instant?
    /// Replies were sent while the server was draining.
    var hasSentWhileDraining = false
    /// The events that epoll reports for the descriptor.
    var interest: UInt32 = 0

    /// Bytes moved since `transferWindowStart`, while something was unfinished.
    var transferredByteCount = 0
    var transferWindowStart: ContinuousClock.Instant?

    init(identifier: UInt64, descriptor: Int32) {
        self.identifier = identifier
        self.descriptor = descriptor
    }

    deinit {
        replies.removeAll()
        close(descriptor)
    }

    /// Whether the peer has something to do: to send the rest of a request, or to take replies.
    var waitsForPeer: Bool { !replies.isEmpty || parked == nil && (isReceiving || !pending.isEmpty) }

    /// Whether a payload is arriving.
    var isReceiving: Bool { incoming != nil || discardByteCount > 0 }
}
