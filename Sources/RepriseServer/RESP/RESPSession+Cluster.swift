internal import RepriseCore
internal import RepriseWire

extension RESPSession {
    static let clusterDisabled = "ERR This instance has cluster support disabled"
    private static let slotCount = 16384

    /// CLUSTER: this node as a cluster of one.
    func answerCluster(_ words: RESPWords) -> Outcome {
        let name = words.lowercased(1)
        if name == "help" {
            writeHelp([
                "CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
                "INFO", "    Return information about the cluster.",
                "KEYSLOT <key>", "    Return the hash slot of a key.",
                "MYID", "    Return the node's id.",
                "NODES, SHARDS, SLOTS", "    Return the one node and its slots, in three forms.",
                "HELP", "    Print this help.",
            ])
            return replied()
        }
        guard let cluster = context.group.identity.cluster else {
            return fail(.cluster, Self.clusterDisabled)
        }
        switch name {
        case "slots": writeSlots(cluster)
        case "shards": writeShards(cluster)
        case "info": context.writer.verbatim(Self.clusterInfo)
        case "myid": context.writer.bulk(context.group.identity.runID)
        case "nodes":
            let id = context.group.identity.runID
            let address = "\(cluster.host):\(cluster.port)@\(busPort(cluster))"
            context.writer.verbatim("\(id) \(address) myself,master - 0 0 1 connected 0-16383\n")
        default: context.writer.integer(HashSlot.of(words[2]))
        }
        return replied()
    }

    private static let clusterInfo = [
        "cluster_state:ok", "cluster_slots_assigned:16384", "cluster_slots_ok:16384",
        "cluster_slots_pfail:0", "cluster_slots_fail:0", "cluster_known_nodes:1", "cluster_size:1",
        "cluster_current_epoch:1", "cluster_my_epoch:1", "cluster_stats_messages_sent:0",
        "cluster_stats_messages_received:0", "total_cluster_links_buffer_limit_exceeded:0",
    ].map { $0 + "\r\n" }.joined()

    /// The port that Redis nodes talk to each other by; nobody listens there.
    private func busPort(_ cluster: ClusterAnnouncement) -> Int { Int(cluster.port) + 10_000 }

    private func writeSlots(_ cluster: ClusterAnnouncement) {
        context.writer.array(1)
        context.writer.array(3)
        context.writer.integer(0)
        context.writer.integer(Self.slotCount - 1)
        context.writer.array(4)
        context.writer.bulk(cluster.host)
        context.writer.integer(Int(cluster.port))
        context.writer.bulk(context.group.identity.runID)
        context.writer.map(0)
    }

    private func writeShards(_ cluster: ClusterAnnouncement) {
        context.writer.array(1)
        context.writer.map(2)
        context.writer.bulk("slots")
        context.writer.array(2)
        context.writer.integer(0)
        context.writer.integer(Self.slotCount - 1)
        context.writer.bulk("nodes")
        context.writer.array(1)
        context.writer.map(7)
        let texts = [("id", context.group.identity.runID)]
        for (name, text) in texts { pair(name) { context.writer.bulk(text) } }
        pair("port") { context.writer.integer(Int(cluster.port)) }
        pair("ip") { context.writer.bulk(cluster.host) }
        pair("endpoint") { context.writer.bulk(cluster.host) }
        pair("role") { context.writer.bulk("master") }
        pair("replication-offset") { context.writer.integer(0) }
        pair("health") { context.writer.bulk("online") }
    }

    private func pair(_ name: String, _ writeValue: () -> Void) {
        context.writer.bulk(name)
        writeValue()
    }
}

/// The hash slots of Redis Cluster.
enum HashSlot {
    private static let table: [UInt16] = (0..<256).map { byte in
        (0..<8).reduce(UInt16(byte) << 8) { value, _ in
            value & 0x8000 != 0 ? value << 1 ^ 0x1021 : value << 1
        }
    }

    /// A key's slot: CRC-16 (XMODEM) of what is within its first braces, or of all of it.
    ///
    /// - Source: Redis Cluster specification, "Key distribution model", "Hash tags".
    static func of(_ key: RawSpan) -> Int {
        let range = hashedRange(of: key)
        var value: UInt16 = 0
        for index in range { value = value << 8 ^ table[Int(UInt8(value >> 8) ^ key.loadByte(at: index))] }
        return Int(value) & 0x3fff
    }

    private static func hashedRange(of key: RawSpan) -> Range<Int> {
        let all = 0..<key.byteCount
        guard let open = all.first(where: { key.loadByte(at: $0) == UInt8(ascii: "{") }),
            let close = (open..<key.byteCount).first(where: { key.loadByte(at: $0) == UInt8(ascii: "}") }),
            close > open + 1
        else { return all }
        return (open + 1)..<close
    }
}
