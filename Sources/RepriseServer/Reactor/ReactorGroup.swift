internal import Glibc
internal import RepriseCore
internal import RepriseNode

/// All reactors of a server, and what they share.
final class ReactorGroup: Sendable {
    let reactors: [Reactor]
    private let backend: any LMSBackend
    private let limits: ServerLimits
    /// Bytes of values that unsent replies may hold together.
    private let heldByteCountMax: Int
    /// With more connections than this, reactors sleep at once instead of polling a while.
    private let polledConnectionCountMax: Int

    init(_ reactors: [Reactor], backend: any LMSBackend, limits: ServerLimits) {
        self.reactors = reactors
        self.backend = backend
        self.limits = limits
        heldByteCountMax = backend.capacityByteCount / max(1, limits.heldFractionDivisor)
        // A polling thread and the client it waits for have a processor each.
        polledConnectionCountMax = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2)
    }

    /// Runs one reactor on the calling thread until it is told to end.
    func run(_ reactor: Reactor) {
        let service = LMService(
            backend: backend,
            limits: limits,
            counters: reactor.counters,
            mayHold: { [self] in mayHold($0) },
            statisticsText: { [self] in Array(statisticsText.utf8) }
        )
        reactor.run(
            service: service,
            accepted: { [self] in place($0) },
            mayPoll: { [self] in sum(.connections) <= polledConnectionCountMax }
        )
    }

    /// The server's and the node's statistics, one `name value` a line.
    var statisticsText: String {
        StatisticsText.make(backend, counters: reactors.map(\.counters))
    }

    /// A counter over all reactors.
    func sum(_ counter: ServerCounter) -> Int {
        Int(truncatingIfNeeded: reactors.reduce(0) { $0 &+ $1.counters.value(of: counter) })
    }

    /// Whether a reply may hold a value of so many bytes now.
    private func mayHold(_ byteCount: Int) -> Bool {
        let held = sum(.heldBytes)
        // One value alone may pass the limit, or one above it could never be read.
        return held == 0 || held + byteCount <= heldByteCountMax
    }

    /// Hands a new connection to the reactor with the fewest, or refuses it.
    private func place(_ descriptor: Int32) {
        let counts = reactors.map { $0.counters.value(of: .connections) }
        guard let fewest = counts.indices.min(by: { counts[$0] < counts[$1] }),
            counts.reduce(0, +) < UInt64(limits.connectionCountMax)
        else {
            close(descriptor)
            reactors[0].counters.add(.closedTooMany)
            return
        }
        var one: Int32 = 1
        let length = socklen_t(MemoryLayout<Int32>.size)
        // Fails on a Unix socket, which has no such delay.
        // SAFETY: the option is read during the call.
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, length)
        reactors[fewest].counters.add(.connections)
        reactors[fewest].counters.add(.accepted)
        guard !reactors[fewest].post(.adopt(descriptor)) else { return }
        // The reactor has ended: the server is stopping.
        reactors[fewest].counters.subtract(.connections)
        close(descriptor)
    }
}
