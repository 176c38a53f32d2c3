import RepriseRemote
import RepriseReplay
import Testing

struct StatRatesTests {
    /// Statistics of a node, as lm answers them or as the section that a node adds to INFO.
    private func snapshot(
        _ format: NodeStatistics.Format,
        gets: Int,
        seconds: Double = 0,
        hits: Int = 0,
        misses: Int = 0,
        sent: Int = 0
    ) -> StatSnapshot {
        let lines = [
            ("reprise_commands_total{protocol=\"resp\",command=\"get\"}", "\(gets)"),
            ("reprise_command_seconds_total{protocol=\"resp\",command=\"get\"}", "\(seconds)"),
            ("reprise_commands_total{protocol=\"lm\",command=\"get\"}", "0"),
            ("reprise_commands_total{protocol=\"lm\",command=\"exist\"}", "5"),
            ("reprise_get_hits_total", "\(hits)"), ("reprise_get_misses_total", "\(misses)"),
            ("reprise_exist_hits_total", "0"), ("reprise_exist_misses_total", "0"),
            ("reprise_received_bytes_total", "100"), ("reprise_sent_bytes_total", "\(sent)"),
            ("reprise_memory_used_bytes", "1024"), ("reprise_memory_capacity_bytes", "4096"),
            ("reprise_entries", "3"), ("reprise_evictions_total", "7"), ("reprise_connections", "2"),
            ("reprise_allocator_consistent", "1"),
        ]
        let separator = format == .info ? ":" : " "
        let text = lines.map { "\($0.0)\(separator)\($0.1)\r\n" }.joined()
        let info = "# Stats\r\nkeyspace_hits:99\r\n\r\n# Reprise\r\n\(text)# Memory\r\nused_memory:1\r\n"
        return StatSnapshot(NodeStatistics(format, format == .info ? info : text))
    }

    @Test(arguments: [NodeStatistics.Format.prometheus, .info])
    func `counters become rates and gauges stay`(format: NodeStatistics.Format) throws {
        let earlier = snapshot(format, gets: 10, seconds: 1, hits: 4, misses: 6, sent: 1000)
        let later = snapshot(format, gets: 50, seconds: 1.5, hits: 34, misses: 16, sent: 5000)
        let rates = StatRates(from: earlier, to: later, seconds: 2)
        #expect(!rates.isFreshStart)
        #expect(rates.total.perSecond == 20 && rates.total.meanSeconds == 0.0125)
        #expect(rates.commands.map(\.name) == ["lm exist", "resp get"])
        #expect(rates.commands.map(\.perSecond) == [0, 20])
        #expect(rates.commands[0].meanSeconds == nil)
        #expect(rates.findings.map(\.name) == ["exist", "get"])
        #expect(rates.findings[0].rate == nil)
        #expect(rates.findings[1].rate == 0.75)
        #expect(rates.receivedBytesPerSecond == 0 && rates.sentBytesPerSecond == 2000)
        #expect(rates.evictionsPerSecond == 0)
        #expect(rates.latest.usedByteCount == 1024 && rates.latest.capacityByteCount == 4096)
        #expect(rates.latest.entryCount == 3 && rates.latest.connectionCount == 2)
    }

    @Test func `a counter that went back is a fresh start of all`() {
        let earlier = snapshot(.prometheus, gets: 1000, seconds: 9, hits: 10, sent: 500)
        let later = snapshot(.prometheus, gets: 8, seconds: 0.004, hits: 20, sent: 600)
        let rates = StatRates(from: earlier, to: later, seconds: 4)
        #expect(rates.isFreshStart)
        #expect(rates.commands.map(\.perSecond) == [1.25, 2])
        #expect(rates.commands[1].meanSeconds == 0.0005)
        #expect(rates.sentBytesPerSecond == 150)
        #expect(rates.findings[1].hitCount == 20)
    }

    @Test func `a command that is gone is a fresh start`() {
        let earlier = snapshot(.prometheus, gets: 1)
        let later = StatSnapshot(NodeStatistics(.prometheus, "reprise_sent_bytes_total 9999\n"))
        let rates = StatRates(from: earlier, to: later, seconds: 1)
        #expect(rates.isFreshStart && rates.sentBytesPerSecond == 9999 && rates.receivedBytesPerSecond == nil)
    }

    private static let redis = """
        # Server
        redis_version:7.0.15
        # Clients
        connected_clients:3
        # Memory
        used_memory:1048576
        maxmemory:0
        # Stats
        total_net_input_bytes:1000
        total_net_output_bytes:2000
        evicted_keys:4
        keyspace_hits:30
        keyspace_misses:10
        # Commandstats
        cmdstat_get:calls=40,usec=200,usec_per_call=5.00,rejected_calls=0,failed_calls=0
        cmdstat_config|get:calls=1,usec=9,usec_per_call=9.00,rejected_calls=0,failed_calls=0
        # Keyspace
        db0:keys=5,expires=0,avg_ttl=0
        db1:keys=2,expires=0,avg_ttl=0
        """

    @Test func `the INFO of Redis is read`() {
        let rates = StatRates(
            from: StatSnapshot(),
            to: StatSnapshot(NodeStatistics(.info, Self.redis)),
            seconds: 1
        )
        #expect(rates.commands.map(\.name) == ["config|get", "get"])
        #expect(rates.commands[1].perSecond == 40 && rates.commands[1].meanSeconds == 5e-6)
        #expect(rates.findings.map(\.name) == ["read"] && rates.findings[0].rate == 0.75)
        #expect(rates.receivedBytesPerSecond == 1000 && rates.sentBytesPerSecond == 2000)
        #expect(rates.evictionsPerSecond == 4)
        #expect(rates.latest.usedByteCount == 1_048_576 && rates.latest.capacityByteCount == nil)
        #expect(rates.latest.entryCount == 7 && rates.latest.connectionCount == 3)
    }

    @Test func `the table has a row for each command and each finding`() {
        let later = snapshot(.prometheus, gets: 2500, seconds: 0.025, hits: 3, misses: 1, sent: 5_000_000)
        let rates = StatRates(from: snapshot(.prometheus, gets: 0), to: later, seconds: 1)
        let expected = """
            lm://h:1, over 1.00 s

            command   per second  mean latency
            total          2,500       10.0 us
            lm exist         0.0             -
            resp get       2,500       10.0 us

            hit rate     exist -, get 0.750 (3 of 4)
            traffic      in 0.00 B/s, out 5.00 MB/s
            memory       1.00 KiB of 4.00 KiB (25.0 %)
            entries      3
            evictions    0.0 a second
            connections  2
            """
        #expect(StatTable(title: "lm://h:1", rates).text == expected)
    }

    @Test(arguments: [
        "", "nothing", "# Reprise", "reprise_entries 1e308\nreprise_memory_used_bytes -1e308\n",
        "a:b:c\n:\n# \n",
        "reprise_commands_total{ 1\nreprise_commands_total{protocol 2\nreprise_commands_total{} nan\n",
        "# Keyspace\ndb0:keys=1e300\n# Commandstats\ncmdstat_:calls=,usec=x\n",
        "# Commandstats\ncmdstat_a:calls=1e300,usec=inf\n",
    ])
    func `nothing that a server may say traps`(text: String) {
        for format in [NodeStatistics.Format.prometheus, .info] {
            let statistics = NodeStatistics(format, text)
            let rates = StatRates(from: StatSnapshot(), to: StatSnapshot(statistics), seconds: 1e-6)
            #expect(!StatTable(title: "x", rates).text.isEmpty)
        }
    }

    @Test func `only the busiest commands are shown`() {
        let text = (0..<40).map { "# Commandstats\ncmdstat_c\($0):calls=\($0),usec=1\n" }.joined()
        let later = StatSnapshot(NodeStatistics(.info, text))
        let table = StatTable(title: "x", StatRates(from: StatSnapshot(), to: later, seconds: 1)).text
        #expect(table.contains("\nc39 ") && table.contains("\nc24 "))
        #expect(!table.contains("\nc23 "))
    }

    @Test func `a node's samples have the same names over both protocols`() {
        let name = "reprise_commands_total{protocol=\"resp\",command=\"get\"}"
        let info = NodeStatistics(
            .info,
            "# Server\r\na:1\r\n# Reprise\r\n\(name):12\r\nreprise_entries:3\r\n"
        )
        let lm = NodeStatistics(.prometheus, "\(name) 12\nreprise_entries 3\n")
        #expect(MetricSample.parse(info) == MetricSample.parse(lm))
        #expect(MetricSample.parse(lm).map(\.name) == [name, "reprise_entries"])
    }

    @Test func `the lines of another server are all there`() {
        let samples = MetricSample.parse(
            NodeStatistics(.info, "# Server\r\nos:Linux a:b\r\n# Stats\r\nx:1\r\n")
        )
        #expect(samples.map(\.name) == ["os", "x"])
        #expect(samples.map(\.value) == ["Linux a:b", "1"])
    }
}
