internal import Glibc
internal import RepriseCore

/// One client's connection: what has arrived and not been used, the transfer under way, and the replies that
/// wait.
///
/// Confined to its reactor's thread.
final class Connection {
    /// A value whose payload is arriving.
    struct IncomingValue: ~Copyable {
        let reservation: Reservation
        let byteCount: Int
        var receivedByteCount = 0
    }

    /// What a request waits for.
    enum WaitReason {
        /// A put waits for reservations to end, and is told when one does.
        case reservations
        /// A get waits for replies to be sent, its own connection's or others'.
        case heldReplies
        /// Values are being read from a disk.
        case loads
    }

    /// The next request waits; it is still among the pending bytes.
    struct Parking {
        let reason: WaitReason
        var deadline: ContinuousClock.Instant
    }

    let client: ClientRecord
    let descriptor: Int32
    /// The protocol, once the first byte has told it.
    var session: (any Session)?
    /// Bytes that arrived and belong to requests not begun yet.
    var pending = PendingBytes()
    /// How much of `pending` its reactor has counted.
    var countedPendingByteCount = 0
    var incoming: IncomingValue?
    /// Bytes of a dropped payload that are still to be read.
    var discardByteCount = 0
    var parked: Parking?
    /// What `parked` waits for, if for loads; during the next try, what it has waited for.
    var loadWait: LoadWait?
    /// How much of what `loadWait` holds its reactor has counted.
    private var countedLoadByteCount = 0
    /// Changes that a disk has not recorded yet, and what must not be sent before it has.
    var barriers = RecordBarriers()
    var replies = ReplyQueue()
    /// How much of what `replies` holds its reactor has counted.
    private var countedHeldByteCount = 0
    /// The peer has closed its side: nothing more will arrive.
    var hasEnded = false
    /// Close as soon as the replies are sent.
    var closesWhenSent = false
    /// When to close though the peer has not ended; set once the server has ended its side, from when on all
    /// that arrives is dropped.
    var lingerDeadline: ContinuousClock.Instant?
    /// Replies were sent while the server was draining.
    var hasSentWhileDraining = false
    /// When the connection was last active, as its server's activity meter counts time.
    var activeSlot: UInt64 = 0
    /// The events that epoll reports for the descriptor.
    var interest: UInt32 = 0

    /// Bytes moved since `transferWindowStart`, while something was unfinished.
    var transferredByteCount = 0
    var transferWindowStart: ContinuousClock.Instant?

    init(client: ClientRecord) {
        self.client = client
        descriptor = client.descriptor
    }

    deinit {
        replies.removeAll()
        close(descriptor)
    }

    var identifier: UInt64 { client.identifier }

    /// Whether the peer has something to do: to send the rest of a request, or to take replies.
    var waitsForPeer: Bool {
        if !replies.isEmpty, !hasSendableReplies { return false }
        return !replies.isEmpty || parked == nil && (isAmidRequest || !pending.isEmpty)
    }

    /// Whether replies wait that may be sent.
    var hasSendableReplies: Bool {
        !replies.isEmpty && replies.sentByteCount < barriers.position ?? .max
    }

    /// Whether a payload is arriving.
    var isReceiving: Bool { incoming != nil || discardByteCount > 0 }

    /// Whether part of a request was used, and the rest is to come.
    var isAmidRequest: Bool { isReceiving || session?.isAmidRequest ?? false }

    /// Whether the next request waits: for room, or for replies to be sent.
    ///
    /// - Parameter madeReplyCount: Replies that are made and not yet appended.
    func isPaused(_ limits: ServerLimits, madeReplyCount: Int = 0) -> Bool {
        parked != nil || replies.count + madeReplyCount >= limits.requestDepthMax
            || barriers.count >= limits.requestDepthMax
            || replies.heldByteCount >= limits.heldByteCountMax
    }

    /// Brings a reactor's count of held bytes up to date with the replies.
    func countHeldBytes(in counters: ReactorCounters) {
        let held = replies.heldByteCount
        counters.add(.heldBytes, max(0, held - countedHeldByteCount))
        counters.subtract(.heldBytes, max(0, countedHeldByteCount - held))
        countedHeldByteCount = held
    }

    /// Brings a reactor's count of bytes that loads hold up to date; while a request is tried again they are
    /// counted as what it takes of them.
    func countLoadBytes(in counters: ReactorCounters, isTrying: Bool = false) {
        let held = isTrying ? 0 : loadWait?.byteCount ?? 0
        counters.add(.loadBytes, max(0, held - countedLoadByteCount))
        counters.subtract(.loadBytes, max(0, countedLoadByteCount - held))
        countedLoadByteCount = held
    }

    /// Copies the part of a payload that came with its request, and receives the rest in place; its session
    /// gets the reservation with the last byte.
    ///
    /// - Parameter following: What has arrived behind the request's header.
    /// - Returns: How many of those bytes were the payload's.
    func begin(
        _ reservation: consuming Reservation,
        byteCount: Int,
        following: RawSpan
    ) -> Int {
        let arrived = min(following.byteCount, byteCount)
        reservation.object.copy(from: following.extracting(first: arrived))
        if arrived == byteCount {
            session?.receive(reservation, on: self)
        } else {
            incoming = IncomingValue(
                reservation: reservation,
                byteCount: byteCount,
                receivedByteCount: arrived
            )
        }
        return arrived
    }

    /// Drops a payload; returns how many of the following bytes are its.
    func beginDiscarding(byteCount: Int, following: RawSpan) -> Int {
        let arrived = min(following.byteCount, byteCount)
        discardByteCount = byteCount - arrived
        return arrived
    }
}
