import Glibc
import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseRemote

/// A cluster of real nodes on loopback, one killed and slots moved under load.
@Suite(.serialized, .enabled(if: RedisProcess.isInstalled, "redis-server is not installed"))
struct RedisClusterTests {
    /// Three masters, with a replica each when asked for.
    final class Cluster: Sendable {
        let masters: [RedisProcess]
        let replicas: [RedisProcess]
        private let identities: [String]

        init(withReplicas: Bool = false) throws {
            let lines = [
                "cluster-enabled yes", "cluster-node-timeout 1000", "cluster-require-full-coverage no",
                "cluster-replica-validity-factor 0",
            ]
            masters = try (0..<3).map { _ in try RedisProcess(lines) }
            replicas = try (0..<(withReplicas ? 3 : 0)).map { _ in try RedisProcess(lines) }
            identities = try masters.map { try RawRedis($0.port).command(["CLUSTER", "MYID"]).trimmed }
            for (index, master) in masters.enumerated() {
                let first = index * 5461
                let last = index == 2 ? 16_383 : first + 5460
                let raw = try RawRedis(master.port)
                try raw.command(["CLUSTER", "ADDSLOTSRANGE", "\(first)", "\(last)"])
                try raw.command(["CLUSTER", "SET-CONFIG-EPOCH", "\(index + 1)"])
            }
            let first = try RawRedis(masters[0].port)
            for node in masters.dropFirst() + replicas {
                try first.command(["CLUSTER", "MEET", "127.0.0.1", "\(node.port)"])
            }
            try Self.wait { try self.isReady }
            for (index, replica) in replicas.enumerated() {
                try Self.wait {
                    let raw = try RawRedis(replica.port)
                    return (try? raw.command(["CLUSTER", "REPLICATE", self.identities[index]])) == "+OK"
                }
                try Self.wait {
                    try RawRedis(replica.port).command(["INFO", "replication"]).contains(
                        "master_link_status:up"
                    )
                }
            }
        }

        private var isReady: Bool {
            get throws {
                try (masters + replicas).allSatisfy { node in
                    let text = try RawRedis(node.port).command(["CLUSTER", "INFO"])
                    return text.contains("cluster_state:ok")
                        && text.contains("cluster_known_nodes:\(masters.count + replicas.count)")
                        // A slot that is moved before a node has heard of the others' epochs goes back.
                        && (0..<3).allSatisfy { !text.contains("cluster_current_epoch:\($0)") }
                }
            }
        }

        struct Timeout: Error {}

        static func wait(_ isTrue: () throws -> Bool) throws {
            for _ in 0..<1000 {
                if (try? isTrue()) == true { return }
                Thread.sleep(milliseconds: 20)
            }
            throw Timeout()
        }

        /// A URL that names only the first node.
        var url: String { "redis-cluster://127.0.0.1:\(masters[0].port)" }

        /// Moves a slot with its keys from one master to another, key by key.
        func move(slot: Int, from: Int, to: Int) throws {
            let (source, target) = (try RawRedis(masters[from].port), try RawRedis(masters[to].port))
            try target.command(["CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", identities[from]])
            try source.command(["CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", identities[to]])
            while true {
                let answer = try RawRedis(masters[from].port).keys(inSlot: slot)
                guard let key = answer else { break }
                try source.command(["MIGRATE", "127.0.0.1", "\(masters[to].port)", key, "0", "5000"])
            }
            for raw in [target, source] {
                try raw.command(["CLUSTER", "SETSLOT", "\(slot)", "NODE", identities[to]])
            }
        }
    }

    private let memory: LocalCPUBackend

    init() throws { memory = try TestMemory.make() }

    private func backend(_ cluster: Cluster) throws -> RemoteBackend {
        var limits = RemoteLimits()
        limits.pauseMin = .milliseconds(20)
        limits.pauseMax = .milliseconds(200)
        return RemoteBackend(memory: memory, url: try RemoteURL(parsing: cluster.url), limits: limits)
    }

    private static func put(_ backend: RemoteBackend, _ key: StorageKey, seed: Int) -> Bool {
        guard let object = try? TestMemory.object(backend.memory, seed: seed) else { return false }
        defer { object.release() }
        return backend.submitPutTask(key, object)?.wait() ?? false
    }

    private static func putAll(_ backend: RemoteBackend, _ keys: [StorageKey]) -> Bool {
        Threads.map(1) { _ in keys.indices.allSatisfy { put(backend, keys[$0], seed: $0) } } == [true]
    }

    @Test func `a lookup directory lives in a cluster, too`() throws {
        let cluster = try Cluster()
        let url = try RemoteURL(parsing: cluster.url)
        let (a, b) = try (
            RESPLookupDirectory(url, holder: KeyHolder(host: "a", port: 1)),
            RESPLookupDirectory(url, holder: KeyHolder(host: "b", port: 1))
        )
        let keys = (0..<300).map { StorageKey("key-\($0)") }
        a.insert(keys)
        func foundCount() -> Int {
            Threads.map(1) { _ in b.holders(of: keys) }[0].count { $0.map(\.host) == ["a"] }
        }
        for _ in 0..<1000 where foundCount() < keys.count { Thread.sleep(milliseconds: 10) }
        #expect(foundCount() == keys.count)
        a.remove(Array(keys.prefix(100)))
        for _ in 0..<1000 where foundCount() > 200 { Thread.sleep(milliseconds: 10) }
        #expect(foundCount() == 200)
        a.close()
        #expect(foundCount() == 0)
        b.close()
    }

    @Test func `a cluster does what every backend has to do`() throws {
        let cluster = try Cluster()
        let url = try RemoteURL(parsing: cluster.url)
        let conformance = BackendConformance(
            makeBackend: {
                for master in cluster.masters { try RawRedis(master.port).command(["FLUSHALL"]) }
                return RemoteBackend(memory: try TestMemory.make(byteCount: 32 << 20), url: url)
            },
            makeObject: { backend, byteCount in
                let metadata = MemoryObjectMetadata(shape: [byteCount], dtype: .uint8, format: .binary)
                return (backend as? RemoteBackend).flatMap { try? $0.memory.allocate(metadata) }
            }
        )
        #expect(conformance.violations() == [])
    }

    @Test func `slots that move under load lose nothing`() throws {
        let cluster = try Cluster()
        let backend = try backend(cluster)
        defer { backend.close() }
        let keys = (0..<60).map { StorageKey("key-\($0)") }
        #expect(Self.putAll(backend, keys))
        let isMoving = Lock(true)
        let wrong = Lock<[String]>([])
        let readers = (0..<2).map { _ in
            Thread(name: "reader") {
                while isMoving.withLock({ $0 }) {
                    for (index, key) in keys.enumerated() {
                        let found = TestMemory.take(backend.getBlocking(key))
                        guard found != TestMemory.bytes(16, seed: index) else { continue }
                        wrong.withLock { $0.append("\(key): \(found == nil ? "missing" : "wrong")") }
                    }
                }
            }
        }
        // All to one node: nodes that take slots from each other faster than they talk undo that.
        for key in keys {
            let slot = HashSlot.of(RemoteLayout.record.presenceKey(key).bytes)
            let from = min(slot / 5461, 2)
            guard from > 0, try RawRedis(cluster.masters[from].port).keys(inSlot: slot) != nil else {
                continue
            }
            try cluster.move(slot: slot, from: from, to: 0)
        }
        isMoving.withLock { $0 = false }
        for reader in readers { reader.join() }
        #expect(wrong.withLock { $0 } == [])
        #expect(Threads.map(1) { _ in backend.batchedContains(keys) } == [60])
        #expect(backend.statistics.lastError?.description == nil)
        #expect(!backend.statistics.isOut)
    }

    @Test func `a node that dies is replaced by its replica, and nothing is wrong or hangs`() throws {
        let cluster = try Cluster(withReplicas: true)
        let backend = try backend(cluster)
        defer { backend.close() }
        let keys = (0..<60).map { StorageKey("key-\($0)") }
        #expect(Self.putAll(backend, keys))
        for master in cluster.masters {
            // The writes reach the replica before the master dies.
            #expect(try RawRedis(master.port).command(["WAIT", "1", "5000"]).hasPrefix(":"))
        }
        try Cluster.wait {
            try zip(cluster.masters, cluster.replicas).allSatisfy { master, replica in
                try RawRedis(master.port).command(["DBSIZE"]) == RawRedis(replica.port).command(["DBSIZE"])
            }
        }
        cluster.masters[1].stop()
        let wrong = Lock(0)
        let rounds = Threads.map(1) { _ -> Int in
            for round in 1...600 {
                var found = 0
                for (index, key) in keys.enumerated() {
                    guard let bytes = TestMemory.take(backend.getBlocking(key)) else { continue }
                    found += 1
                    if bytes != TestMemory.bytes(16, seed: index) { wrong.withLock { $0 += 1 } }
                }
                if found == keys.count { return round }
                Thread.sleep(milliseconds: 50)
            }
            return 0
        }
        #expect(wrong.withLock { $0 } == 0)
        #expect(rounds[0] > 0, "the values of the dead node did not come back")
        #expect(Self.putAll(backend, keys))
    }
}

extension RawRedis {
    /// One key of a slot.
    func keys(inSlot slot: Int) throws -> String? {
        let script = "return redis.call('CLUSTER','GETKEYSINSLOT',ARGV[1],1)[1] or ''"
        let key = try command(["EVAL", script, "0", "\(slot)"]).trimmed
        return key.isEmpty ? nil : key
    }
}

extension String {
    fileprivate var trimmed: String { String(prefix { $0 != "\r" && $0 != "\r\n" && $0 != "\n" }) }
}
