import Glibc
import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseRemote

/// Against Redis itself: one server, sentinels, a cluster.
@Suite(.serialized, .enabled(if: RedisProcess.isInstalled, "redis-server is not installed"))
struct RedisTests {
    private let memory: LocalCPUBackend

    init() throws { memory = try TestMemory.make() }

    private static func limits() -> RemoteLimits {
        var limits = RemoteLimits()
        limits.pauseMin = .milliseconds(20)
        limits.pauseMax = .milliseconds(200)
        return limits
    }

    private func backend(_ url: String) throws -> RemoteBackend {
        RemoteBackend(memory: memory, url: try RemoteURL(parsing: url), limits: Self.limits())
    }

    private func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> Value {
        Threads.map(1) { _ in body() }[0]
    }

    private func put(_ backend: RemoteBackend, _ key: StorageKey, seed: Int, byteCount: Int = 10_000)
        throws -> Bool?
    {
        let metadata = MemoryObjectMetadata(shape: [byteCount], dtype: .uint8, format: .binary)
        let object = try TestMemory.object(memory, metadata, seed: seed)
        defer { object.release() }
        guard let task = backend.submitPutTask(key, object) else { return nil }
        return onThread { task.wait() }
    }

    private func get(_ backend: RemoteBackend, _ key: StorageKey) -> [UInt8]? {
        TestMemory.take(onThread { backend.getBlocking(key) })
    }

    private func wait(_ what: String, until isTrue: () -> Bool) {
        for _ in 0..<1500 where !isTrue() { Thread.sleep(milliseconds: 20) }
        #expect(isTrue(), "\(what) did not happen")
    }

    @Test(arguments: BackendConformance.Check.allCases, RemoteLayout.allCases)
    func `one server does what every backend has to do`(
        check: BackendConformance.Check,
        layout: RemoteLayout
    ) throws {
        let redis = try RedisProcess()
        let url = try RemoteURL(parsing: "redis://127.0.0.1:\(redis.port)/3?layout=\(layout.rawValue)")
        let conformance = BackendConformance(
            makeBackend: { RemoteBackend(memory: try TestMemory.make(byteCount: 32 << 20), url: url) },
            makeObject: { backend, byteCount in
                let metadata = MemoryObjectMetadata(shape: [byteCount], dtype: .uint8, format: .binary)
                return (backend as? RemoteBackend).flatMap { try? $0.memory.allocate(metadata) }
            }
        )
        #expect(conformance.violations(of: check) == [])
    }

    @Test func `a server without room, read-only or with a password is told apart`() throws {
        let redis = try RedisProcess(["maxmemory 3mb", "maxmemory-policy noeviction"])
        let backend = try backend("redis://127.0.0.1:\(redis.port)")
        defer { backend.close() }
        #expect(try put(backend, "small", seed: 1) == true)
        var refused = 0
        for number in 0..<8
        where try put(backend, StorageKey("l\(number)"), seed: 1, byteCount: 1 << 20) == false {
            refused += 1
        }
        #expect(refused > 0 && !backend.statistics.isOut)
        #expect(backend.statistics.lastError?.message.hasPrefix("OOM") == true)
        #expect(
            get(backend, "small") == TestMemory.bytes(10_000, seed: 1),
            "gets go on without room for puts"
        )
        let other = try RedisProcess(["requirepass secret"])
        let denied = try self.backend("redis://127.0.0.1:\(other.port)")
        defer { denied.close() }
        #expect(get(denied, "k") == nil)
        #expect(denied.statistics.lastError?.message.contains("password") == true)
        let allowed = try self.backend("redis://:secret@127.0.0.1:\(other.port)")
        defer { allowed.close() }
        #expect(try put(allowed, "k", seed: 2) == true)
        #expect(get(allowed, "k") == TestMemory.bytes(10_000, seed: 2))
    }

    @Test func `a server that hangs costs a call its time, and is used again when it goes on`() throws {
        let redis = try RedisProcess()
        var limits = Self.limits()
        limits.callTimeMax = .milliseconds(300)
        limits.failureCountMax = 1
        let url = try RemoteURL(parsing: "redis://127.0.0.1:\(redis.port)")
        let backend = RemoteBackend(memory: memory, url: url, limits: limits)
        defer { backend.close() }
        #expect(try put(backend, "k", seed: 1) == true)
        redis.signal(SIGSTOP)
        #expect(get(backend, "k") == nil)
        let second = try put(backend, "k", seed: 2)
        #expect(second != true)
        wait("the outage") { backend.statistics.isOut }
        redis.signal(SIGCONT)
        wait("the recovery") { !backend.statistics.isOut && backend.statistics.queuedKeyCount == 0 }
        // Whatever the server has done since: the older value is not found, if the put was accepted at all.
        if second == false { #expect(get(backend, "k") == nil) }
        #expect(try put(backend, "other", seed: 3) == true)
        #expect(get(backend, "other") == TestMemory.bytes(10_000, seed: 3))
    }

    @Test func `the master that sentinels name is followed`() throws {
        let master = try RedisProcess()
        let replica = try RedisProcess(["replicaof 127.0.0.1 \(master.port)"])
        let sentinels = try (0..<3).map { _ in
            try RedisProcess(
                [
                    "sentinel monitor kv 127.0.0.1 \(master.port) 2",
                    "sentinel down-after-milliseconds kv 500",
                    "sentinel failover-timeout kv 3000", "sentinel parallel-syncs kv 1",
                ],
                isSentinel: true
            )
        }
        wait("the sentinels' agreement") {
            let counts = sentinels.map { sentinel -> Bool in
                guard let raw = try? RawRedis(sentinel.port) else { return false }
                let answer = try? raw.command(["INFO", "sentinel"])
                return answer?.contains("slaves=1,sentinels=3") ?? false
            }
            return counts.allSatisfy { $0 }
        }
        let hosts = sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        let backend = try backend("redis-sentinel://\(hosts)?service_name=kv")
        defer { backend.close() }
        #expect(try put(backend, "before", seed: 1) == true)
        #expect(get(backend, "before") == TestMemory.bytes(10_000, seed: 1))
        // Replication is behind; the test is not to lose the value by that.
        let raw = try RawRedis(master.port)
        #expect(try raw.command(["WAIT", "1", "5000"]) == ":1")
        master.stop()
        var attempts = 0
        wait("the failover") {
            attempts += 1
            return (try? put(backend, StorageKey("after-\(attempts)"), seed: attempts)) == true
        }
        let last = StorageKey("after-\(attempts)")
        #expect(get(backend, last) == TestMemory.bytes(10_000, seed: attempts))
        #expect(get(backend, "before") == TestMemory.bytes(10_000, seed: 1))
        #expect(try RawRedis(replica.port).command(["ROLE"]).hasPrefix("*"))
    }
}
