internal import Glibc
internal import RepriseCore
internal import RepriseWire

/// A node on this host: calls borrow connections from a small pool, and a thread watches whether the node is
/// there.
final class NodeStore: Store {
    /// How a node is reached.
    struct Configuration: Sendable {
        var path: [UInt8]
        var session: [UInt8]
        var timeout: Duration
        var connectTimeout: Duration
        /// Connections that are kept while nobody uses them.
        var idleCountMax: Int
    }

    /// What a connection is used for: those that views' leases are of are used for that alone, so that giving
    /// leases back does not wait for other calls.
    enum Purpose { case calls, views }

    struct State {
        var idle: [Connection] = []
        var idleForViews: [Connection] = []
        /// Connected, and tells when the node goes.
        var watched: Connection?
        var failureCount = 0
        var nextAttempt: ContinuousClock.Instant?
        var lastFailure: CallError?
        var reconnectCount: UInt64 = 0
        var hasConnected = false
        var isClosed = false
        /// The memory that was mapped last, as long as a connection or a view needs it.
        weak var arena: ArenaMapping?
    }

    /// Connections kept beyond one for each copy thread: for threads of the caller.
    static let idleCountBesidesCopyThreads = 8

    let configuration: Configuration
    let counters: CopyCounters
    let owner: UInt64
    let state = Lock(State())
    private let watcher = Lock<Thread?>(nil)
    let changed = Condition()

    /// Connects for the first time.
    ///
    /// - Parameter later: Whether to succeed without a node that answers.
    /// - Throws: As ``Connection``, and `system` when no thread can be started.
    init(
        _ configuration: Configuration,
        counters: CopyCounters,
        owner: UInt64,
        later: Bool
    ) throws(CallError) {
        self.configuration = configuration
        self.counters = counters
        self.owner = owner
        do throws(CallError) {
            let connection = try connect(limit: configuration.connectTimeout)
            state.withLock { $0.watch(connection) }
        } catch {
            guard later, error.status == .notConnected || error.status == .timeout else { throw error }
        }
        do throws(StorageError) {
            let thread = try Thread.start(name: "reprise-watch") { [self] in watch() }
            watcher.withLock { $0 = thread }
        } catch {
            throw CallError(.system, error.message)
        }
    }

    func close() {
        let watched = state.withLock { state in
            state.isClosed = true
            return state.watched
        }
        changed.broadcast()
        // Wakes the thread that waits for the connection's end.
        if let watched { _ = shutdown(watched.stream.descriptor, Int32(SHUT_RDWR)) }
        watcher.withLock { $0 }?.join()
        // Closed here, outside the lock.
        _ = state.withLock { $0.takeAll() }
    }

    /// Lends a connection to `body`; gives it back unless `body` fails.
    ///
    /// - Parameter isRepeatable: Whether `body` may be run again, over a new connection, when the first one
    /// broke.
    func withConnection<Result>(
        for purpose: Purpose = .calls,
        isRepeatable: Bool = true,
        _ body: (Connection, ContinuousClock.Instant) throws(CallError) -> Result
    ) throws(CallError) -> Result {
        let deadline = ContinuousClock.now + configuration.timeout
        var mayRepeat = isRepeatable
        while true {
            let connection = try take(for: purpose)
            do throws(CallError) {
                let result = try body(connection, deadline)
                giveBack(connection, for: purpose)
                return result
            } catch {
                guard error.status == .notConnected, mayRepeat else { throw error }
                mayRepeat = false
            }
        }
    }

    /// Whether there is time to ask again for what others hold.
    func mayAskAgain(until deadline: ContinuousClock.Instant) -> Bool {
        ContinuousClock.now < deadline - configuration.timeout / LocalTimes.lastPartDivisor
    }

    /// Sends what callers have given back, now or as soon as whoever uses the connection has done with it.
    func flushReleases(of connection: Connection) {
        // Whoever has the connection looks for them when it gives the connection back.
        let isIdle = state.withLock { state in
            guard let index = state.idleForViews.firstIndex(where: { $0 === connection }) else {
                return false
            }
            state.idleForViews.remove(at: index)
            return true
        }
        if isIdle { giveBack(connection, for: .views) }
    }

    /// The connection that is watched, while there is one, and how many followed the first.
    var connected: (watched: Connection?, reconnectCount: UInt64) {
        state.withLock { ($0.watched, $0.reconnectCount) }
    }

    private func take(for purpose: Purpose) throws(CallError) -> Connection {
        while let connection = state.withLock({ state in
            purpose == .calls ? state.idle.popLast() : state.idleForViews.popLast()
        }) {
            if connection.stream.isQuiet { return connection }
        }
        return try connect(limit: min(configuration.timeout, configuration.connectTimeout))
    }

    func giveBack(_ connection: Connection, for purpose: Purpose) {
        while true {
            let isKept = state.withLock { state in
                guard connection.releases.withLock({ $0.identifiers.isEmpty }) else { return false }
                switch purpose {
                case .calls:
                    if !state.isClosed, state.idle.count < configuration.idleCountMax {
                        state.idle.append(connection)
                    }
                case .views:
                    // One with leases is never too many: their memory is kept by it.
                    let hasLeases = connection.releases.withLock { $0.leaseCount > 0 }
                    if !state.isClosed, hasLeases || state.idleForViews.count < configuration.idleCountMax {
                        state.idleForViews.append(connection)
                    }
                }
                return true
            }
            if isKept { return }
            // One that the node has ended is closed, so that the node can have the memory back.
            guard sendReleases(of: connection), connection.stream.isQuiet else { return }
        }
    }

    /// Sends pending releases; `false` when the connection is broken.
    private func sendReleases(of connection: Connection) -> Bool {
        let identifiers = connection.releases.withLock { pending in
            defer { pending.identifiers = [] }
            return pending.identifiers
        }
        let deadline = ContinuousClock.now + configuration.timeout
        for start in stride(from: 0, to: identifiers.count, by: LocalLimits.elementCountMax) {
            let part = Array(identifiers[start..<min(identifiers.count, start + LocalLimits.elementCountMax)])
            let message = LocalNumbers.encoded(.release, identifier: connection.makeIdentifier(), part)
            do throws(CallError) {
                try connection.stream.send(message, until: deadline)
            } catch {
                return false
            }
        }
        return true
    }
}
