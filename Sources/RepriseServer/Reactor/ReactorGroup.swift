internal import Glibc
internal import Logging
internal import RepriseCore
internal import RepriseNode

/// All reactors of a server, and what they share.
final class ReactorGroup: Sendable {
    let reactors: [Reactor]
    let backend: any LMSBackend
    let limits: ServerLimits
    let settings: LiveSettings
    let access: AccessPolicy
    let identity: ServerIdentity
    let localHost: LocalHost
    let registry = ClientRegistry()
    let activity = ActivityMeter()
    let baseline = StatisticsBaseline()
    let logger: Logger
    /// Bytes of values that unsent replies may hold together.
    private let heldByteCountMax: Int
    /// With more active connections than this, reactors sleep at once instead of polling a while.
    private let polledConnectionCountMax: Int

    init(
        _ reactors: [Reactor],
        backend: any LMSBackend,
        configuration: ServerConfiguration,
        identity: ServerIdentity
    ) {
        self.reactors = reactors
        self.backend = backend
        self.identity = identity
        localHost = LocalHost(backend, limits: configuration.limits.local)
        limits = configuration.limits
        settings = LiveSettings(configuration.limits)
        access = configuration.access
        logger = configuration.logger
        heldByteCountMax = backend.capacityByteCount / max(1, configuration.limits.heldFractionDivisor)
        // A polling thread and the client it waits for have a processor each.
        polledConnectionCountMax = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2)
    }

    /// Runs one reactor on the calling thread until it is told to end.
    func run(_ reactor: Reactor) {
        reactor.run(
            context: SessionContext(group: self, reactor: reactor),
            accepted: { [self] in place($0, unixPath: $1) },
            mayPoll: { [self] in activity.activeCount <= polledConnectionCountMax }
        )
    }

    /// The server's and the node's statistics, one `name value` a line.
    var statisticsText: String {
        statisticsLines.map { "\($0.name) \($0.value)\n" }.joined()
    }

    /// The server's and the node's statistics, in Prometheus's style.
    var statisticsLines: [(name: String, value: String)] {
        StatisticsText.lines(backend, reactors: reactors)
    }

    /// A counter over all reactors.
    func sum(_ counter: ServerCounter) -> Int {
        Int(truncatingIfNeeded: reactors.reduce(0) { $0 &+ $1.counters.value(of: counter) })
    }

    /// How many bytes of values replies may hold beside those that they and loads hold now, and whether one
    /// value may pass that.
    var holdableByteCount: (rest: Int, mayPassWithOne: Bool) {
        let held = sum(.heldBytes) + sum(.loadBytes)
        return (max(0, heldByteCountMax - held), held <= limits.heldByteCountNegligible)
    }

    /// Closes a client's connection.
    func close(_ client: ClientRecord) {
        reactors[client.reactorIndex].post(.close(identifier: client.identifier))
    }

    /// Hands a new connection to the reactor with the fewest, or refuses it.
    private func place(_ descriptor: Int32, unixPath: String?) {
        let counts = reactors.map { $0.counters.value(of: .connections) }
        guard let fewest = counts.indices.min(by: { counts[$0] < counts[$1] }),
            counts.reduce(0, +) + UInt64(sum(.quarantined)) < UInt64(settings.connectionCountMax)
        else {
            // First: whoever sees the close may ask for the count.
            reactors[0].counters.add(.closedTooMany)
            Glibc.close(descriptor)
            return
        }
        var one: Int32 = 1
        let length = socklen_t(MemoryLayout<Int32>.size)
        // Fails on a Unix socket, which has no such delay.
        // SAFETY: the option is read during the call.
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, length)
        let client = registry.add(descriptor: descriptor, reactorIndex: fewest, unixPath: unixPath)
        reactors[fewest].counters.add(.connections)
        reactors[fewest].counters.add(.accepted)
        guard !reactors[fewest].post(.adopt(client)) else { return }
        // The reactor has ended: the server is stopping.
        reactors[fewest].counters.subtract(.connections)
        registry.remove(client)
        Glibc.close(descriptor)
    }
}
