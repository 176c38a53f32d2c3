/// What a node did between two snapshots.
public struct StatRates: Sendable {
    /// What one command did.
    public struct Command: Hashable, Sendable {
        /// The command's name; that of a Reprise node has the protocol's before it.
        public let name: String
        /// Calls in a second.
        public let perSecond: Double
        /// The mean latency within the server, in seconds; `nil` without a call.
        public let meanSeconds: Double?
    }

    /// What one kind of question found.
    public struct Finding: Hashable, Sendable {
        /// The kind, such as `get`.
        public let name: String
        /// How often something was there.
        public let hitCount: Double
        /// How often something was asked for.
        public let count: Double

        /// Hits as a share of all questions; `nil` without one.
        public var rate: Double? { count > 0 ? hitCount / count : nil }
    }

    /// The time between the snapshots, in seconds.
    public let seconds: Double
    /// Whether the node began anew in between, so that only what it counted since then is there.
    public let isFreshStart: Bool
    /// All commands together.
    public let total: Command
    /// The commands that were ever called, by name.
    public let commands: [Command]
    /// Hits by the kind of question, by name.
    public let findings: [Finding]
    /// Bytes from clients in a second; `nil` if the node does not say.
    public let receivedBytesPerSecond: Double?
    /// Bytes to clients in a second; `nil` if the node does not say.
    public let sentBytesPerSecond: Double?
    /// Entries that gave way to others in a second; `nil` if the node does not say.
    public let evictionsPerSecond: Double?
    /// The later snapshot, for what is no rate.
    public let latest: StatSnapshot

    /// Compares two snapshots of one node.
    ///
    /// A counter that went back, or is gone, tells that the node began anew: all of them then count from 0.
    ///
    /// - Precondition: `seconds`, the time between the two, is positive.
    public init(from earlier: StatSnapshot, to later: StatSnapshot, seconds: Double) {
        precondition(seconds > 0, "\(seconds) s between two snapshots")
        isFreshStart = StatRates.isRestarted(earlier, later)
        let base = isFreshStart ? StatSnapshot() : earlier
        self.seconds = seconds
        latest = later
        let costs = later.commands.filter { $0.value.callCount > 0 }.map { name, cost in
            (name, StatRates.difference(cost, base.commands[name]))
        }
        commands = costs.map { StatRates.command($0, $1, seconds) }.sorted { $0.name < $1.name }
        let all = costs.reduce(into: StatSnapshot.Cost()) {
            $0.callCount += $1.1.callCount
            $0.seconds += $1.1.seconds
        }
        total = StatRates.command("total", all, seconds)
        findings = later.findings.map { name, finding in
            let before = base.findings[name] ?? StatSnapshot.Finding()
            let hitCount = finding.hitCount - before.hitCount
            return Finding(
                name: name,
                hitCount: hitCount,
                count: hitCount + finding.missCount - before.missCount
            )
        }.sorted { $0.name < $1.name }
        let rate = { (path: KeyPath<StatSnapshot, Double?>) -> Double? in
            later[keyPath: path].map { ($0 - (base[keyPath: path] ?? 0)) / seconds }
        }
        receivedBytesPerSecond = rate(\.receivedByteCount)
        sentBytesPerSecond = rate(\.sentByteCount)
        evictionsPerSecond = rate(\.evictionCount)
    }

    private static func difference(
        _ cost: StatSnapshot.Cost,
        _ before: StatSnapshot.Cost?
    ) -> StatSnapshot.Cost {
        guard let before else { return cost }
        return .init(callCount: cost.callCount - before.callCount, seconds: cost.seconds - before.seconds)
    }

    private static func command(_ name: String, _ cost: StatSnapshot.Cost, _ seconds: Double) -> Command {
        let mean = cost.callCount > 0 ? cost.seconds / cost.callCount : nil
        return Command(name: name, perSecond: cost.callCount / seconds, meanSeconds: mean)
    }

    /// Whether any counter of the later snapshot is below that of the earlier one.
    private static func isRestarted(_ earlier: StatSnapshot, _ later: StatSnapshot) -> Bool {
        earlier.counters.contains { name, count in later.counters[name].map { $0 < count } ?? (count > 0) }
    }
}

extension StatSnapshot {
    /// Everything that only grows while a node runs, by a name.
    fileprivate var counters: [String: Double] {
        var counters: [String: Double] = [:]
        for (name, cost) in commands {
            counters["calls of \(name)"] = cost.callCount
            counters["seconds of \(name)"] = cost.seconds
        }
        for (name, finding) in findings {
            counters["hits of \(name)"] = finding.hitCount
            counters["misses of \(name)"] = finding.missCount
        }
        counters["received"] = receivedByteCount
        counters["sent"] = sentByteCount
        counters["evictions"] = evictionCount
        return counters
    }
}
