internal import RepriseCore
internal import RepriseWire

/// The nodes of a cluster, each with the slots that it serves.
///
/// It follows `MOVED`, slot by slot, and `ASK`, and asks for all slots anew when a node is gone.
///
/// - Source: Redis cluster specification, "Redirection and resharding", "Client and server roles".
internal final class ClusterRESPRoute: RESPRoute {
    private var topology = ClusterTopology()
    private var endpoints: [NodeURL: RESPEndpoint] = [:]
    private let seeds: [NodeURL]
    private let credentials: NodeCredentials?
    private let timeouts: RemoteTimeouts
    private var isStale = true
    private var isClosed = false
    var deadline: ContinuousClock.Instant?

    /// The most servers that one call turns to.
    private static let attemptCountMax = 40
    /// Redirections that are followed at once.
    private static let redirectionCountMax = 5
    /// The longest pause between two attempts; the first are shorter.
    private static let pauseMillisecondsMax: Int64 = 100

    init(_ seeds: [NodeURL], credentials: NodeCredentials?, _ timeouts: RemoteTimeouts) {
        self.seeds = seeds
        self.credentials = credentials
        self.timeouts = timeouts
    }

    func perform<Result>(
        for storedKey: StorageKey,
        _ body: (inout RESPConnection) throws(RemoteError) -> Result
    ) throws(RemoteError) -> Result {
        let slot = HashSlot.of(storedKey.bytes)
        var asked: NodeURL?
        var attempt = 0
        while true {
            let url: NodeURL
            if let asked { url = asked } else { url = try node(of: slot) }
            let isAsking = asked != nil
            asked = nil
            do throws(RemoteError) {
                return try endpoint(url).perform(until: deadline) { (stream) throws(RemoteError) in
                    if isAsking { _ = try stream.call([Array("ASKING".utf8)]) }
                    return try body(&stream)
                }
            } catch {
                attempt += 1
                guard attempt < Self.attemptCountMax, !isClosed else { throw error }
                asked = try redirect(error, from: url, slot: slot, attempt: attempt)
            }
        }
    }

    /// Learns from an error; returns the node to ask just this once, if any.
    private func redirect(
        _ error: RemoteError,
        from url: NodeURL,
        slot: Int,
        attempt: Int
    ) throws(RemoteError) -> NodeURL? {
        if let redirection = ClusterRedirection(error, from: url) {
            let target = redirection.url.with(credentials)
            if redirection.isOnce { return target }
            // Not a reason to ask for all slots: a node that has not heard of the move yet would undo this.
            topology.assign(slot, to: target)
            if attempt > Self.redirectionCountMax {
                // The nodes do not agree yet.
                try RemoteError.pause(milliseconds: Self.pauseMillisecondsMax, until: deadline)
            }
            return nil
        }
        switch error.code {
        case .refused, .closed, .unreachable, .timedOut:
            if let deadline, ContinuousClock.now >= deadline { throw error }
            endpoints.removeValue(forKey: url)?.close()
        case .rejected where error.hasPrefix("TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "READONLY"):
            break
        default: throw error
        }
        isStale = true
        let milliseconds = min(Self.pauseMillisecondsMax, Int64(5) << Int64(min(attempt, 6)))
        try RemoteError.pause(milliseconds: milliseconds, until: deadline)
        refresh(avoiding: url)
        return nil
    }

    func performEverywhere(_ body: (inout RESPConnection) throws(RemoteError) -> Void) throws(RemoteError) {
        if isStale { refresh(avoiding: nil) }
        guard !topology.nodes.isEmpty else { throw noTopology }
        for url in topology.nodes { try endpoint(url).perform(until: deadline, body) }
    }

    func performAnywhere(_ body: (inout RESPConnection) throws(RemoteError) -> Void) throws(RemoteError) {
        if isStale { refresh(avoiding: nil) }
        var failure = noTopology
        for url in topology.nodes {
            do throws(RemoteError) {
                return try endpoint(url).perform(until: deadline, body)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    func groups(of storedKeys: [StorageKey]) -> [[Int]] {
        if isStale { refresh(avoiding: nil) }
        let positions = Dictionary(grouping: storedKeys.indices) { index in
            topology.node(of: HashSlot.of(storedKeys[index].bytes))
        }
        return positions.values.map { Array($0) }
    }

    func close() {
        isClosed = true
        for endpoint in endpoints.values { endpoint.close() }
        endpoints = [:]
    }

    private var noTopology: RemoteError {
        RemoteError(.unreachable, "no node of the cluster says which slots there are")
    }

    private func node(of slot: Int) throws(RemoteError) -> NodeURL {
        guard !isClosed else { throw RemoteError(.closed, "the connector was closed") }
        if isStale { refresh(avoiding: nil) }
        guard let url = topology.node(of: slot) ?? topology.nodes.first ?? seeds.first else {
            throw noTopology
        }
        return url
    }

    private func endpoint(_ url: NodeURL) -> RESPEndpoint {
        if let endpoint = endpoints[url] { return endpoint }
        let endpoint = RESPEndpoint(url, timeouts)
        endpoints[url] = endpoint
        return endpoint
    }

    /// Asks the nodes, one after the other, for the slots that each serves.
    private func refresh(avoiding avoided: NodeURL?) {
        let known = topology.nodes + seeds
        for url in known.filter({ $0 != avoided }) + known.filter({ $0 == avoided }) {
            if let deadline, ContinuousClock.now >= deadline { return }
            do throws(RemoteError) {
                let answer = try endpoint(url).perform(until: deadline) { (stream) throws(RemoteError) in
                    try stream.call([Array("CLUSTER".utf8), Array("SLOTS".utf8)])
                }
                guard let found = ClusterTopology(answer, from: url, credentials) else { continue }
                topology = found
                isStale = false
                return forget(allBut: found.nodes + seeds)
            } catch {
                continue
            }
        }
    }

    private func forget(allBut known: [NodeURL]) {
        for url in endpoints.keys where !known.contains(url) { endpoints.removeValue(forKey: url)?.close() }
    }
}
