internal import Glibc

/// What a reactor's thread works on.
@safe
struct ReactorState: ~Copyable {
    /// Bytes that headers and dropped payloads are received into.
    static let scratchByteCount = 64 << 10

    var context: SessionContext?
    var accepted: (Int32, String?) -> Void = { _, _ in }
    var connections: [UInt64: Connection] = [:]
    /// Connections that the server has ended and whose peers may still be using its memory.
    var quarantined: [UInt64: Connection] = [:]
    /// Connections with a request that waits for room.
    var parked: Set<UInt64> = []
    /// Bytes of requests not begun yet, of all connections.
    var pendingByteCount = 0
    var listeners: [ListeningSocket] = []
    let copyAlignment = CopyAlignment()
    var isDraining = false
    var drainDeadline: ContinuousClock.Instant?
    var isFinished = false
    /// Whether a client that holds memory had something to do in this turn.
    var servesCopying = false
    /// Until when to poll for events instead of sleeping; `nil` to sleep at once.
    var pollDeadline: ContinuousClock.Instant?
    var nextRateCheck = ContinuousClock.now
    /// A descriptor kept in reserve, given up for a moment to refuse a connection when the process has no
    /// more.
    var spareDescriptor: Int32
    // SAFETY: both are allocated in `init` and freed in `deinit`.
    let scratch: UnsafeMutableRawBufferPointer
    let vectors: UnsafeMutableBufferPointer<iovec>

    init() {
        unsafe scratch = .allocate(byteCount: ReactorState.scratchByteCount, alignment: 64)
        unsafe vectors = .allocate(capacity: ReplyQueue.vectorCountMax)
        unsafe vectors.initialize(repeating: iovec())
        spareDescriptor = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
    }

    deinit {
        unsafe scratch.deallocate()
        unsafe vectors.deallocate()
        close(spareDescriptor)
    }
}
