internal import RepriseCore
internal import RepriseNode

/// The text of INFO.
struct RESPInfo {
    /// The version of Redis whose commands and replies the node follows.
    static let redisVersion = "7.0.15"

    let group: ReactorGroup

    private typealias Line = (name: String, value: String)

    static func mode(_ identity: ServerIdentity) -> String {
        identity.cluster == nil ? "standalone" : "cluster"
    }

    /// An eviction policy by the name that Redis has or would have for it.
    static func policy(_ policy: EvictionPolicy) -> String {
        policy == .dummy ? "noeviction" : "allkeys-\(policy.rawValue)"
    }

    /// The sections that are named, or those that INFO shows without names.
    func text(sections wanted: Set<String>) -> String {
        let showsAll = wanted.contains("all") || wanted.contains("everything")
        let showsDefault = wanted.isEmpty || wanted.contains("default")
        var text = ""
        for (name, isDefault, lines) in sections {
            let isWanted = wanted.contains(name.lowercased()) || showsAll || showsDefault && isDefault
            guard isWanted else { continue }
            if !text.isEmpty { text += "\r\n" }
            text += "# \(name)\r\n" + lines().map { "\($0.name):\($0.value)\r\n" }.joined()
        }
        return text
    }

    /// The figures that CONFIG RESETSTAT lets begin anew.
    var figures: [String: UInt64] {
        var figures: [String: UInt64] = [:]
        for (name, value) in countedStatistics { figures[name] = value }
        for (index, command) in CountedCommand.names.enumerated() where command.protocol == "resp" {
            let counts = StatisticsText.counts(ofCommandAt: index, group.reactors)
            figures["calls \(index)"] = counts.calls
            figures["time \(index)"] = counts.nanoseconds
            figures["rejected \(index)"] = counts.rejected
            figures["failed \(index)"] = counts.failed
        }
        return figures
    }

    private var sections: [(name: String, isDefault: Bool, lines: () -> [Line])] {
        [
            ("Server", true, { server }), ("Clients", true, { clients }), ("Memory", true, { memory }),
            ("Stats", true, { stats }), ("Replication", true, { replication }), ("CPU", true, { processor }),
            ("Commandstats", false, { commands }), ("Cluster", true, { cluster }),
            ("Keyspace", true, { keyspace }), ("Reprise", true, { group.statisticsLines }),
        ]
    }

    private var server: [Line] {
        let identity = group.identity
        return [
            ("redis_version", Self.redisVersion), ("server_name", "reprise"),
            ("reprise_version", identity.version), ("redis_mode", Self.mode(identity)),
            ("os", ProcessReport.system), ("arch_bits", "\(Int.bitWidth)"), ("multiplexing_api", "epoll"),
            ("process_id", "\(ProcessReport.identifier)"), ("run_id", identity.runID),
            ("tcp_port", "\(identity.port ?? 0)"), ("server_time_usec", "\(WallClock.microseconds)"),
            ("uptime_in_seconds", "\(identity.uptimeSeconds)"),
            ("uptime_in_days", "\(identity.uptimeSeconds / 86_400)"),
            ("io_threads", "\(identity.threadCount)"), ("config_file", ""),
        ]
    }

    private var clients: [Line] {
        [
            ("connected_clients", "\(group.sum(.connections))"),
            ("maxclients", "\(group.settings.connectionCountMax)"),
            ("blocked_clients", "0"), ("cluster_connections", "0"),
        ]
    }

    private var memory: [Line] {
        let statistics = group.backend.statistics
        let store = statistics.store
        let resident = ProcessReport.residentByteCount
        return [
            ("used_memory", "\(statistics.usedByteCount)"),
            ("used_memory_human", Self.human(statistics.usedByteCount)),
            ("used_memory_rss", "\(resident)"), ("used_memory_rss_human", Self.human(resident)),
            ("used_memory_overhead", "\(store.indexByteCount + store.keyByteCount)"),
            ("used_memory_dataset", "\(store.entryByteCount)"),
            ("used_memory_payload", "\(store.payloadByteCount)"),
            ("used_memory_allocated", "\(store.entryByteCount)"),
            ("used_memory_reserved", "\(store.reservedByteCount)"),
            ("used_memory_replies", "\(group.sum(.heldBytes))"),
            ("total_system_memory", "\(MachineMemory.limitByteCount)"),
            ("total_system_memory_human", Self.human(MachineMemory.limitByteCount)),
            ("maxmemory", "\(statistics.capacityByteCount)"),
            ("maxmemory_human", Self.human(statistics.capacityByteCount)),
            ("maxmemory_policy", Self.policy(group.backend.evictionPolicy)),
            ("mem_allocator", "reprise-arena"),
        ]
    }

    private var countedStatistics: [(String, UInt64)] {
        let store = group.backend.statistics.store
        func count(_ counter: ServerCounter) -> UInt64 { UInt64(group.sum(counter)) }
        let calls = CountedCommand.names.indices.reduce(UInt64(0)) { sum, index in
            sum + StatisticsText.counts(ofCommandAt: index, group.reactors).calls
        }
        return [
            ("total_connections_received", count(.accepted)), ("total_commands_processed", calls),
            ("total_net_input_bytes", count(.received)), ("total_net_output_bytes", count(.sent)),
            ("rejected_connections", count(.closedTooMany)), ("expired_keys", store.expiredCount),
            ("evicted_keys", store.evictionCount),
            ("keyspace_hits", count(.getHits) + count(.existHits)),
            ("keyspace_misses", count(.getMisses) + count(.existMisses)),
            ("acl_access_denied_auth", count(.authFailures)),
        ]
    }

    private var stats: [Line] {
        countedStatistics.map { ($0.0, "\(group.baseline.since($0.0, $0.1))") }
    }

    private var replication: [Line] {
        [
            ("role", "master"), ("connected_slaves", "0"), ("master_failover_state", "no-failover"),
            ("master_replid", group.identity.runID), ("master_repl_offset", "0"),
        ]
    }

    private var processor: [Line] {
        ProcessReport.processorTimes.map { ("used_cpu_\($0.name)", $0.seconds) }
    }

    private var commands: [Line] {
        CountedCommand.names.enumerated().compactMap { index, command in
            guard command.protocol == "resp" else { return nil }
            let counts = StatisticsText.counts(ofCommandAt: index, group.reactors)
            let baseline = group.baseline
            let calls = baseline.since("calls \(index)", counts.calls)
            let rejected = baseline.since("rejected \(index)", counts.rejected)
            let failed = baseline.since("failed \(index)", counts.failed)
            guard calls + rejected > 0 else { return nil }
            let microseconds = baseline.since("time \(index)", counts.nanoseconds) / 1000
            let each = calls == 0 ? 0 : microseconds * 100 / calls
            let fraction = each % 100 < 10 ? "0\(each % 100)" : "\(each % 100)"
            return (
                "cmdstat_\(command.command)",
                "calls=\(calls),usec=\(microseconds),usec_per_call=\(each / 100).\(fraction),"
                    + "rejected_calls=\(rejected),failed_calls=\(failed)"
            )
        }
    }

    private var cluster: [Line] { [("cluster_enabled", group.identity.cluster == nil ? "0" : "1")] }

    private var keyspace: [Line] {
        let store = group.backend.statistics.store
        let entryCount = group.backend.entryCount
        guard entryCount > 0 else { return [] }
        return [("db0", "keys=\(entryCount),expires=\(store.expiringCount),avg_ttl=0")]
    }

    /// A size as Redis shows it to people: `1.50M`.
    private static func human(_ byteCount: Int) -> String {
        let units = ["B", "K", "M", "G", "T"]
        var unit = 0
        var divisor = 1
        while byteCount / divisor >= 1024, unit < units.count - 1 {
            unit += 1
            divisor *= 1024
        }
        guard unit > 0 else { return "\(byteCount)B" }
        let hundredths = byteCount / (divisor / 1024) * 100 / 1024
        let fraction = hundredths % 100 < 10 ? "0\(hundredths % 100)" : "\(hundredths % 100)"
        return "\(hundredths / 100).\(fraction)\(units[unit])"
    }
}
