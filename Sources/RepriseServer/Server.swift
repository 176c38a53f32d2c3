internal import Glibc
internal import RepriseCore
public import RepriseNode

/// A cache server: serves a node's values over TCP and a Unix socket, on epoll threads of its own.
public final class Server: Sendable {
    /// Where a server can be reached.
    public struct Endpoints: Sendable {
        /// The TCP port, or `nil` without TCP.
        public let port: UInt16?
        /// The Unix socket's path, or `nil`.
        public let unixPath: String?
    }

    private let group: ReactorGroup
    private let threads = Lock<[Thread]>([])

    /// Where the server can be reached.
    public let endpoints: Endpoints

    /// Listens, starts the threads and serves.
    ///
    /// - Throws: When an address cannot be listened on; nothing is left behind then.
    public convenience init(_ configuration: ServerConfiguration, backend: any LMSBackend) throws(ServerError)
    {
        try self.init(configuration, backend: backend, calls: SystemSocketCalls())
    }

    /// As ``init(_:backend:)``, with other system calls in the place of the kernel's.
    package init(
        _ configuration: ServerConfiguration,
        backend: any LMSBackend,
        calls: any SocketCalls
    ) throws(ServerError) {
        try Self.checkAccess(configuration)
        var reactors: [Reactor] = []
        for _ in 0..<max(1, configuration.threadCount) {
            reactors.append(
                try Reactor(limits: configuration.limits, calls: calls, logger: configuration.logger)
            )
        }
        var listeners: [ListeningSocket] = []
        var port: UInt16?
        // The Unix socket first: whoever finds the TCP port open finds the other one, too.
        if let path = configuration.unixPath {
            let isOpen = !configuration.access.localAllowedUsers.isEmpty
            listeners.append(try Listener.listenUnix(path: path, isOpenToOthers: isOpen))
        }
        do throws(ServerError) {
            port = try Self.listenTCP(configuration, adding: &listeners)
        } catch {
            for listener in listeners { listener.close() }
            throw error
        }
        endpoints = Endpoints(port: port, unixPath: configuration.unixPath)
        group = ReactorGroup(
            reactors,
            backend: backend,
            configuration: configuration,
            identity: ServerIdentity(configuration, port: port)
        )
        for listener in listeners { reactors[0].post(.listen(listener)) }
        startThreads()
    }

    /// Stops accepting, lets transfers in flight end, then stops; returns at once. See
    /// ``waitUntilStopped()``.
    public func drain() {
        for reactor in group.reactors { reactor.post(.drain) }
    }

    /// Closes every connection and stops; returns at once.
    public func stop() {
        for reactor in group.reactors { reactor.post(.stop) }
    }

    /// Waits until every thread has ended, after ``drain()`` or ``stop()``. Call it once.
    public func waitUntilStopped() {
        let threads = threads.withLock { threads in
            let all = threads
            threads = []
            return all
        }
        for thread in threads { thread.join() }
    }

    /// The server's and the node's statistics, one `name value` a line, in Prometheus's style.
    public var statisticsText: String {
        group.statisticsText
    }

    /// Connections that are open now.
    public var connectionCount: Int { group.sum(.connections) }

    private func startThreads() {
        for (index, reactor) in group.reactors.enumerated() {
            let thread = Thread(name: "reprise-io-\(index)") { [group] in group.run(reactor) }
            threads.withLock { $0.append(thread) }
        }
    }

    /// Listens on the TCP addresses that are wanted, and returns the port; `nil` without TCP.
    private static func listenTCP(
        _ configuration: ServerConfiguration,
        adding listeners: inout [ListeningSocket]
    ) throws(ServerError) -> UInt16? {
        guard let host = configuration.host else { return nil }
        let (descriptors, port) = try Listener.listenTCP(host: host, port: configuration.port)
        let added = descriptors.map { ListeningSocket(descriptor: $0) }
        listeners += added
        try checkAddresses(of: added, configuration)
        return port
    }

    private static func checkAccess(_ configuration: ServerConfiguration) throws(ServerError) {
        guard let password = configuration.access.password else { return }
        guard !password.isEmpty else {
            throw ServerError(.badAccess, "the password is empty; give one, or none at all")
        }
    }

    /// Refuses to serve other machines without a password, unless that is wanted.
    private static func checkAddresses(
        of listeners: [ListeningSocket],
        _ configuration: ServerConfiguration
    ) throws(ServerError) {
        guard !configuration.access.isUnprotected, !configuration.access.needsPassword else { return }
        for listener in listeners {
            let address = AddressText.local(of: listener.descriptor, unixPath: nil)
            guard !address.isLocal else { continue }
            throw ServerError(
                .badAccess,
                "\(address.text) can be reached from other machines: set a password (--password-file, or "
                    + "REPRISE_PASSWORD), or say --unprotected if the network is trusted"
            )
        }
    }
}
