internal import CRepriseShims
internal import Glibc
internal import Logging
internal import RepriseCore

// SAFETY, whole file: the reactor's state is confined to its thread; bytes lie in its scratch memory or in
// the block of a reservation that only the connection knows.

/// One thread that serves many connections: waits for events, moves bytes, and never blocks in between.
///
/// Everything but the inbox is confined to the reactor's thread; other threads talk to it through
/// ``post(_:)``.
@safe
final class Reactor: Sendable {
    /// What another thread wants of a reactor.
    enum Message: Sendable {
        /// Serve this client, whose socket does not block.
        case adopt(ClientRecord)
        /// Close this connection, as a client has asked for.
        case close(identifier: UInt64)
        /// What this connection's next request waits for is in memory, or cannot be had.
        case loaded(identifier: UInt64)
        /// A change that this connection's replies acknowledge is recorded.
        case recorded(identifier: UInt64, barrier: UInt64)
        /// Accept connections on this listening socket.
        case listen(ListeningSocket)
        /// Finish what is in flight, then end.
        case drain
        /// End now.
        case stop
    }

    /// Connections begin above the identifiers of the descriptors that are none.
    static let wakeupIdentifier: UInt64 = 0
    static let firstConnectionIdentifier: UInt64 = 1 << 32
    private static let eventCountMax = 256

    let limits: ServerLimits
    let calls: any SocketCalls
    let logger: Logger
    let counters = ReactorCounters()
    let commands = CommandCounters()
    private let inbox = Lock(Inbox())
    private let epoll: Int32
    private let wakeup: Int32

    // SAFETY: confined to the reactor's thread from `run` on.
    nonisolated(unsafe) var state: ReactorState

    /// Creates a reactor that has no thread yet.
    init(limits: ServerLimits, calls: any SocketCalls, logger: Logger) throws(ServerError) {
        self.limits = limits
        self.logger = logger
        self.calls = calls
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wakeup = reprise_eventfd()
        guard epoll >= 0, wakeup >= 0 else {
            throw ServerError(.system, "no descriptors for a reactor: \(systemMessage(errno))")
        }
        unsafe state = ReactorState()
        control(EPOLL_CTL_ADD, wakeup, events: EPOLLIN.rawValue, identifier: Reactor.wakeupIdentifier)
    }

    deinit {
        Glibc.close(epoll)
        Glibc.close(wakeup)
    }

    /// Hands a message to the reactor's thread; `false` when it has ended.
    @discardableResult
    func post(_ message: Message) -> Bool {
        let (isOpen, mustWake) = inbox.withLock { $0.add(message) }
        if mustWake { eventfd_write(wakeup, 1) }
        return isOpen
    }

    /// Tells the reactor to try parked requests again; however often it is told before it does, it does so
    /// once.
    func postRoomReturned() {
        if inbox.withLock({ $0.addRoomReturned() }) { eventfd_write(wakeup, 1) }
    }

    /// Serves until told to end. `accepted` is told every new connection's descriptor, and the path of the
    /// Unix socket that it came by; `mayPoll` says whether few enough connections are active.
    func run(
        context: SessionContext,
        accepted: @escaping (Int32, String?) -> Void,
        mayPoll: () -> Bool
    ) {
        unsafe state.context = context
        unsafe state.accepted = accepted
        var events = unsafe [epoll_event](repeating: epoll_event(), count: Reactor.eventCountMax)
        while unsafe !state.isFinished {
            let count = unsafe wait(for: &events)
            for index in 0..<count {
                unsafe handle(events: events[index].events, of: events[index].data.u64)
            }
            handleInbox()
            handleTime()
            if count > 0 { unsafe state.pollDeadline = mayPoll() ? pollDeadline : nil }
            unsafe state.servesCopying = false
        }
        closeEverything()
    }

    /// Until when to poll for the next event after one; `nil` for not at all.
    private var pollDeadline: ContinuousClock.Instant? {
        let time = unsafe state.servesCopying ? limits.copyPollTimeMax : limits.busyPollTimeMax
        return limits.busyPollTimeMax > .zero ? ContinuousClock.now + time : nil
    }

    /// Waits for events, polling first after a recent one.
    private func wait(for events: inout [epoll_event]) -> Int {
        while let deadline = unsafe state.pollDeadline {
            let count = unsafe epoll_wait(epoll, &events, Int32(Reactor.eventCountMax), 0)
            if count > 0 { return Int(count) }
            if ContinuousClock.now >= deadline { unsafe state.pollDeadline = nil }
        }
        return Int(
            max(0, unsafe epoll_wait(epoll, &events, Int32(Reactor.eventCountMax), timeoutMilliseconds))
        )
    }

    private func handle(events: UInt32, of identifier: UInt64) {
        if identifier == Reactor.wakeupIdentifier {
            var value: eventfd_t = 0
            unsafe eventfd_read(wakeup, &value)
        } else if identifier < Reactor.firstConnectionIdentifier {
            acceptConnections(on: Int32(truncatingIfNeeded: identifier))
        } else if let connection = unsafe state.connections[identifier] {
            handle(connection, events: events)
        } else {
            handleOther(identifier)
        }
    }

    private func handleInbox() {
        let (messages, hasRoomReturned) = inbox.withLock { $0.takeAll() }
        if hasRoomReturned { retryParked(roomReturned: true) }
        for message in messages {
            switch message {
            case .adopt(let client): adopt(client)
            case .close(let identifier):
                if let connection = unsafe state.connections[identifier] {
                    close(connection, reason: .closedKilled)
                }
            case .loaded(let identifier):
                if let connection = unsafe state.connections[identifier] { retryLoaded(connection) }
            case .recorded(let identifier, let barrier):
                if let connection = unsafe state.connections[identifier] {
                    recorded(connection, barrier: barrier)
                }
            case .listen(let socket): listen(on: socket)
            case .drain: beginDraining()
            case .stop: unsafe state.isFinished = true
            }
        }
    }

    private func adopt(_ client: ClientRecord) {
        let connection = Connection(client: client)
        unsafe state.connections[connection.identifier] = connection
        connection.interest = EPOLLIN.rawValue
        let isWatched = control(
            EPOLL_CTL_ADD,
            connection.descriptor,
            events: connection.interest,
            identifier: connection.identifier
        )
        if unsafe state.isDraining || !isWatched { close(connection) }
    }

    private func listen(on socket: ListeningSocket) {
        guard unsafe !state.isDraining else {
            socket.close()
            return
        }
        unsafe state.listeners.append(socket)
        let identifier = UInt64(socket.descriptor)
        control(EPOLL_CTL_ADD, socket.descriptor, events: EPOLLIN.rawValue, identifier: identifier)
    }

    /// Forgets a connection and closes its descriptor; or keeps both, while the peer may be using memory.
    func close(_ connection: Connection, reason: ServerCounter? = nil) {
        guard unsafe state.connections.removeValue(forKey: connection.identifier) != nil else { return }
        unsafe state.parked.remove(connection.identifier)
        connection.pending = PendingBytes()
        countPending(of: connection)
        if connection.incoming != nil { counters.add(.abortedPuts) }
        connection.incoming = nil
        connection.loadWait?.finish()
        connection.loadWait = nil
        connection.countLoadBytes(in: counters)
        connection.replies.removeAll()
        connection.countHeldBytes(in: counters)
        control(EPOLL_CTL_DEL, connection.descriptor, events: 0, identifier: 0)
        counters.subtract(.connections)
        unsafe state.context?.group.registry.remove(connection.client)
        if !quarantine(connection) { connection.session?.end() }
        if let reason { counters.add(reason) }
        if reason == .closedTooSlow { logger.notice("closed a connection whose transfer was too slow") }
    }

    /// Asks epoll for the events that the connection can use now.
    func updateInterest(_ connection: Connection) {
        countPending(of: connection)
        var wanted: UInt32 = 0
        if mayRead(connection) { wanted |= EPOLLIN.rawValue }
        if connection.hasSendableReplies { wanted |= EPOLLOUT.rawValue }
        guard wanted != connection.interest else { return }
        // A hang-up is reported whatever is asked for: a connection that waits for room is taken out, not to
        // spin.
        let operation = wanted == 0 ? EPOLL_CTL_DEL : connection.interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD
        control(operation, connection.descriptor, events: wanted, identifier: connection.identifier)
        connection.interest = wanted
    }

    /// Brings the sum of pending bytes up to date.
    private func countPending(of connection: Connection) {
        let change = connection.pending.count - connection.countedPendingByteCount
        unsafe state.pendingByteCount += change
        connection.countedPendingByteCount += change
    }

    @discardableResult
    func control(_ operation: Int32, _ descriptor: Int32, events: UInt32, identifier: UInt64) -> Bool {
        var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: identifier))
        return unsafe epoll_ctl(epoll, operation, descriptor, &event) == 0
    }

    private func closeEverything() {
        stopListening()
        for connection in unsafe Array(state.connections.values) { close(connection) }
        // Nothing of the memory is used again: the server has ended.
        for identifier in unsafe Array(state.quarantined.keys) { endQuarantine(of: identifier) }
        closeInbox()
        // Both know every reactor, this one among them.
        unsafe state.context = nil
        unsafe state.accepted = { _, _ in }
    }

    /// Takes no more messages, and closes what was handed over and not begun.
    private func closeInbox() {
        for message in inbox.withLock({ $0.close() }) {
            switch message {
            case .adopt(let client):
                Glibc.close(client.descriptor)
                unsafe state.context?.group.registry.remove(client)
                counters.subtract(.connections)
            case .listen(let socket): socket.close()
            case .drain, .stop, .close, .loaded, .recorded: break
            }
        }
    }

    func stopListening() {
        for listener in unsafe state.listeners { listener.close() }
        unsafe state.listeners = []
    }
}
