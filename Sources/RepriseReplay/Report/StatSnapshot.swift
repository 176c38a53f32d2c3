public import RepriseRemote

/// What a node has counted until one moment.
public struct StatSnapshot: Hashable, Sendable {
    /// What a command has cost so far.
    public struct Cost: Hashable, Sendable {
        /// How often it was called.
        public internal(set) var callCount = 0.0
        /// The time that all calls took together.
        public internal(set) var seconds = 0.0
    }

    /// What a kind of question has found so far.
    public struct Finding: Hashable, Sendable {
        /// How often something was there.
        public internal(set) var hitCount = 0.0
        /// How often nothing was.
        public internal(set) var missCount = 0.0
    }

    /// The commands by name; those of a Reprise node have the protocol's before it.
    public internal(set) var commands: [String: Cost] = [:]
    /// Hits and misses by the kind of question.
    public internal(set) var findings: [String: Finding] = [:]
    /// Bytes received from clients.
    public internal(set) var receivedByteCount: Double?
    /// Bytes sent to clients.
    public internal(set) var sentByteCount: Double?
    /// Entries that gave way to others.
    public internal(set) var evictionCount: Double?
    /// Bytes of memory in use now.
    public internal(set) var usedByteCount: Double?
    /// Bytes of memory that may be in use; `nil` without a limit.
    public internal(set) var capacityByteCount: Double?
    /// Entries stored now.
    public internal(set) var entryCount: Double?
    /// Connections open now.
    public internal(set) var connectionCount: Double?

    /// Nothing counted yet.
    public init() {}

    /// Reads the statistics of a Reprise node, over lm or RESP, or of Redis; what is not there stays `nil`.
    public init(_ statistics: NodeStatistics) {
        let info = statistics.format == .info ? InfoText(statistics.text) : nil
        if let info, !info.isReprise {
            for section in info.sections {
                for sample in section.samples { readRedis(sample, section.name) }
            }
        } else {
            for sample in MetricSample.parse(statistics) { readReprise(sample) }
        }
    }

    private mutating func readReprise(_ sample: MetricSample) {
        guard let value = Double(sample.value), value.isFinite else { return }
        switch sample.family {
        case "reprise_commands_total":
            commands[StatSnapshot.command(sample), default: Cost()].callCount += value
        case "reprise_command_seconds_total":
            commands[StatSnapshot.command(sample), default: Cost()].seconds += value
        case "reprise_get_hits_total": findings["get", default: Finding()].hitCount += value
        case "reprise_get_misses_total": findings["get", default: Finding()].missCount += value
        case "reprise_exist_hits_total": findings["exist", default: Finding()].hitCount += value
        case "reprise_exist_misses_total": findings["exist", default: Finding()].missCount += value
        case "reprise_received_bytes_total": receivedByteCount = value
        case "reprise_sent_bytes_total": sentByteCount = value
        case "reprise_evictions_total": evictionCount = value
        case "reprise_memory_used_bytes": usedByteCount = value
        case "reprise_memory_capacity_bytes": capacityByteCount = value
        case "reprise_entries": entryCount = value
        case "reprise_connections": connectionCount = value
        default: break
        }
    }

    private static func command(_ sample: MetricSample) -> String {
        [sample.label("protocol"), sample.label("command")].compactMap { $0 }.joined(separator: " ")
    }

    private mutating func readRedis(_ sample: MetricSample, _ section: String) {
        if section == "Commandstats", sample.name.hasPrefix("cmdstat_") {
            let fields = StatSnapshot.fields(sample.value)
            let cost = Cost(callCount: fields["calls"] ?? 0, seconds: (fields["usec"] ?? 0) / 1e6)
            commands[String(sample.name.dropFirst("cmdstat_".count))] = cost
        } else if section == "Keyspace" {
            entryCount = (entryCount ?? 0) + (StatSnapshot.fields(sample.value)["keys"] ?? 0)
        } else if let value = Double(sample.value), value.isFinite {
            readRedis(sample.name, value)
        }
    }

    private mutating func readRedis(_ name: String, _ value: Double) {
        switch name {
        case "keyspace_hits": findings["read", default: Finding()].hitCount = value
        case "keyspace_misses": findings["read", default: Finding()].missCount = value
        case "total_net_input_bytes": receivedByteCount = value
        case "total_net_output_bytes": sentByteCount = value
        case "evicted_keys":
            evictionCount = value
            // The section of keys is left out while there are none.
            entryCount = entryCount ?? 0
        case "used_memory": usedByteCount = value
        case "maxmemory": capacityByteCount = value > 0 ? value : nil
        case "connected_clients": connectionCount = value
        default: break
        }
    }

    /// The numbers of a value such as `calls=2,usec=7`.
    private static func fields(_ text: String) -> [Substring: Double] {
        var fields: [Substring: Double] = [:]
        for pair in text.split(separator: ",") {
            let sides = pair.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, let value = Double(sides[1]), value.isFinite else { continue }
            fields[sides[0]] = value
        }
        return fields
    }
}
