public import RepriseCore

/// Who has which keys, in Redis or Valkey: one node's view of it.
///
/// Nothing waits for it: what a node has is noted behind, in batches; a lookup takes at most
/// ``DirectoryLimits/callTimeMax``, one round trip for all its keys, and finds nobody when the directory is
/// gone. A directory that has lost its entries is told them again.
///
/// - Source: LMCache `lmcache/v1/lookup_server.py`; docs/REMOTE.md § 5.
public final class RESPLookupDirectory: LookupDirectory {
    /// The node, as others reach it.
    public let holder: KeyHolder
    /// The limits that the directory was made with.
    public let limits: DirectoryLimits
    private let work: DirectoryWork
    private let threads = Lock<[Thread]>([])

    /// Begins to take part in a directory; connections are made when they are needed.
    ///
    /// - Parameters:
    ///   - url: A server, a cluster or sentinels that speak RESP.
    ///   - holder: This node.
    /// - Throws: ``RemoteError`` `invalidURL` for a store that is no Redis or Valkey.
    public init(
        _ url: RemoteURL,
        holder: KeyHolder,
        limits: DirectoryLimits = DirectoryLimits()
    ) throws(RemoteError) {
        let timeouts = RemoteTimeouts(connect: limits.connectTimeMax, transfer: limits.callTimeMax)
        guard url.makeRoute(timeouts) != nil else {
            throw RemoteError(
                .invalidURL,
                "a lookup directory is in Redis or Valkey: redis://host:port, redis-cluster:// or "
                    + "redis-sentinel://"
            )
        }
        self.holder = holder
        self.limits = limits
        let work = DirectoryWork(limits)
        self.work = work
        let started = [
            Thread(name: "reprise-note") {
                guard let route = url.makeRoute(timeouts) else { return }
                DirectoryWriter(work: work, holder: holder, route: route).run()
            },
            Thread(name: "reprise-lookup") {
                guard let route = url.makeRoute(timeouts) else { return }
                var reader = DirectoryReader(work: work, holder: holder, route: route)
                reader.run()
            },
        ]
        threads.withLock { $0 = started }
    }

    deinit { close() }

    /// What the directory has done.
    public var statistics: DirectoryStatistics {
        work.state.withLock { state in
            var statistics = state.statistics
            statistics.keyCount = state.own.count
            statistics.pendingKeyCount = state.pending.count + state.sendingCount
            return statistics
        }
    }

    /// Notes that this node has keys.
    public func insert(_ keys: [StorageKey]) { work.note(keys, isHeld: true) }

    /// Notes that this node has keys no more.
    public func remove(_ keys: [StorageKey]) { work.note(keys, isHeld: false) }

    /// Notes that this node has no keys any more.
    public func removeAll() { work.noteNothing() }

    /// Finds the other nodes that have each of some keys.
    public func findHolders(
        of keys: [StorageKey],
        completion: @escaping @Sendable ([[KeyHolder]]) -> Void
    ) {
        guard !keys.isEmpty else { return completion([]) }
        work.submit(
            DirectoryWork.Lookup(keys: keys, until: .now + limits.callTimeMax, completion: completion)
        )
    }

    /// Ends the node's heartbeat and removes its entries, as far as that goes in a named time.
    public func close() {
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        guard !running.isEmpty else { return }
        work.beginClosing()
        for thread in running { thread.join() }
    }
}

extension RemoteURL {
    /// The way to the servers of a store that speaks RESP; `nil` for others.
    internal func makeRoute(_ timeouts: RemoteTimeouts) -> (any RESPRoute)? {
        switch store {
        case .resp(let url, let database):
            SingleRESPRoute(url.with(credentials), database: database, timeouts)
        case .sentinel(let urls, let serviceName):
            SentinelRESPRoute(urls, serviceName: serviceName, credentials: credentials, timeouts)
        case .cluster(let urls):
            ClusterRESPRoute(urls.map { $0.with(credentials) }, credentials: credentials, timeouts)
        case .lm, .files, .audit, .blackhole: nil
        }
    }
}
