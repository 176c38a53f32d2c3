import Glibc
import RepriseCore
import RepriseNode
import RepriseServer
import RepriseTesting
import RepriseWire
import Testing

@Suite struct `Many clients at once` {
    @Test(arguments: [false, true])
    func `clients that put, get, remove and go never see mixed bytes`(isUnix: Bool) throws {
        let server = try TestServer(memoryByteCount: 2 << 20, threadCount: 2, isUnix: isUnix)
        let wrongCount = Lock(0)
        let threads = (0..<8).map { worker in
            Thread(name: "client-\(worker)") {
                var random = SeededGenerator(seed: UInt64(worker))
                let isWhole = (try? Self.work(on: server, worker, &random)) ?? false
                if !isWhole { wrongCount.withLock { $0 += 1 } }
            }
        }
        for thread in threads { thread.join() }
        #expect(wrongCount.withLock { $0 } == 0)
        #expect(server.statistic("reprise_evictions_total") > 0)
        #expect(server.statistic("reprise_get_hits_total") > 0)
        server.expectNothingLeaked()
    }

    /// Works as one client; `false` when a value was not as it was put.
    private static func work(
        on server: TestServer,
        _ worker: Int,
        _ random: inout SeededGenerator
    ) throws -> Bool {
        var client = try server.connect(LMDialect.allCases[worker % 3])
        for step in 0..<150 {
            let number = Int.random(in: 0..<40, using: &random)
            let key = StorageKey("key-\(number)")
            switch Int.random(in: 0..<20, using: &random) {
            case 0:
                client = try server.connect(LMDialect.allCases[step % 3])
            case 1: _ = try client.ask(.remove, key)
            case 2:
                // Goes in the middle of a put.
                let request = try client.putRequest(key, payload(seed: step, 60_000))
                try client.send(Array(request.prefix(Int.random(in: 1..<60_000, using: &random))))
                client = try server.connect()
            case 3..<9:
                let seed = worker << 32 | step
                try client.put(key, payload(seed: seed, 50_000 + 1000 * number))
            default:
                guard let value = try client.get(key) else { continue }
                guard isWhole(value), [60_000, 50_000 + 1000 * number].contains(value.count) else {
                    return false
                }
            }
        }
        return true
    }

    @Test func `a flood of connections is refused beyond the limit`() throws {
        var limits = ServerLimits()
        limits.connectionCountMax = 3
        let server = try TestServer(threadCount: 2, limits: limits)
        let clients = try (0..<3).map { _ in try server.connect() }
        for client in clients { #expect(try client.ask(.health)) }
        let refused = try (0..<20).map { _ in try server.connect() }
        for client in refused { #expect(client.receivesEnd()) }
        #expect(server.closed("too_many") == 20)
        for client in clients { #expect(try client.ask(.health)) }
        clients[0].close()
        server.wait("reprise_connections", is: 2)
        #expect(try server.connect().ask(.health))
    }

    @Test func `two hundred idle clients disturb nobody`() throws {
        let server = try TestServer(threadCount: 2)
        let idle = try (0..<200).map { _ in try server.connect() }
        server.wait("reprise_connections", is: 200)
        let client = try server.connect()
        try client.put("a", payload(seed: 1, 100_000))
        #expect(try client.get("a") == payload(seed: 1, 100_000))
        for client in idle { client.close() }
        client.close()
        server.expectNothingLeaked()
    }

    @Test func `a process without descriptors refuses clients and recovers`() async {
        await #expect(processExitsWith: .success) {
            let server = try TestServer()
            var limit = rlimit(rlim_cur: 100, rlim_max: 100)
            // SAFETY: setrlimit(2) reads the struct.
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            var clients: [TestClient] = []
            while let client = try? server.connect() { clients.append(client) }
            let deadline = ContinuousClock.now + .seconds(20)
            while server.closed("too_many") == 0, ContinuousClock.now < deadline { usleep(500) }
            guard server.closed("too_many") > 0 else { exit(2) }
            for client in clients { client.close() }
            while server.statistic("reprise_connections") > 0, ContinuousClock.now < deadline { usleep(500) }
            guard try server.connect().ask(.health) else { exit(3) }
            exit(0)
        }
    }

    @Test func `statistics have a name and a number in every line`() throws {
        let server = try TestServer()
        let client = try server.connect()
        try client.put("a", payload(seed: 1, 5000))
        _ = try client.get("a")
        _ = try client.get("b")
        let lines = try client.text(.stat).split(separator: "\n")
        #expect(lines.count == 61)
        for line in lines {
            let parts = line.split(separator: " ")
            #expect(parts.count == 2 && parts[0].hasPrefix("reprise_") && Double(parts[1]) != nil, "\(line)")
        }
        for (name, value) in [
            ("reprise_entries", 1), ("reprise_entry_bytes", 8192), ("reprise_payload_bytes", 5000),
            ("reprise_memory_used_bytes", 8192), ("reprise_memory_capacity_bytes", 16 << 20),
            ("reprise_get_hits_total", 1), ("reprise_get_misses_total", 1), ("reprise_puts_total", 1),
            ("reprise_connections", 1), ("reprise_connections_accepted_total", 1),
            ("reprise_allocator_consistent", 1), ("reprise_received_bytes_total", 4 * 186 + 5000),
        ] {
            #expect(server.statistic(name) == value, "\(name)")
        }
    }

    @Test func `a node serves from the CPU only`() {
        var configuration = NodeConfiguration(memoryByteCount: 1 << 20)
        configuration.device = .cuda(index: 0)
        let error = #expect(throws: StorageError.self) { _ = try Node(configuration) }
        #expect(error?.code == .unsupported)
    }
}
