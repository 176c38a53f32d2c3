import RepriseCore
import RepriseNode
import RepriseRemote
import RepriseTesting
import RepriseWire
import Testing

/// Two nodes that find each other's values through one Redis.
@Suite(.serialized, .enabled(if: RedisProcess.isInstalled, "redis-server is not installed"))
struct NodePeersTests {
    private let metadata = MemoryObjectMetadata(
        verbatimFormat: 1,
        dtype: 3,
        shape: [2, 1, 100, 512],
        origin: .lm
    )
    private var byteCount: Int { 2 * 100 * 512 * 2 }

    private func node(_ redis: RedisProcess, memoryByteCount: Int = 32 << 20) throws -> TestNode {
        let url = try RemoteURL(parsing: "redis://127.0.0.1:\(redis.port)")
        let port = RedisProcess.freePort()
        return try TestNode(port: port, memoryByteCount: memoryByteCount) { configuration in
            var lookup = LookupConfiguration(url: url, holder: KeyHolder(host: "127.0.0.1", port: port))
            lookup.limits.heartbeatLifetime = .seconds(6)
            lookup.peerLimits.callTimeMax = .seconds(2)
            configuration.lookup = lookup
        }
    }

    private func connect(_ node: TestNode) throws -> LMConnection {
        try LMConnection(connectingTo: .tcp(host: "127.0.0.1", port: node.port))
    }

    private func put(_ node: TestNode, _ key: StorageKey, seed: Int) throws {
        var connection = try connect(node)
        try connection.put(key, TestMemory.bytes(byteCount, seed: seed).rawSpan, metadata: metadata)
        #expect(try connection.exists(key))
    }

    private func get(_ node: TestNode, _ key: StorageKey) throws -> [UInt8]? {
        var connection = try connect(node)
        var buffer = TransferBuffer(byteCapacity: 0)
        guard let header = try connection.get(key, into: &buffer) else { return nil }
        #expect(header.metadata == metadata)
        return [UInt8](copying: buffer.prefix(header.payloadByteCount))
    }

    /// Waits until the directory knows what every node has.
    private func settle(_ nodes: TestNode...) {
        for node in nodes {
            for _ in 0..<1000 where node.node.directory?.statistics.pendingKeyCount != 0 {
                Thread.sleep(milliseconds: 5)
            }
        }
    }

    @Test func `what one node has, the other serves, and then has itself`() throws {
        let redis = try RedisProcess()
        let (a, b) = (try node(redis), try node(redis))
        try put(a, "k", seed: 7)
        settle(a)
        #expect(try get(b, "k") == TestMemory.bytes(byteCount, seed: 7))
        #expect(b.node.peers?.statistics.hitCount == 1)
        // It is b's now.
        #expect(b.node.memory.contains("k"))
        a.stop()
        #expect(try get(b, "k") == TestMemory.bytes(byteCount, seed: 7))
        #expect(b.node.peers?.statistics.hitCount == 1)
        b.stop()
    }

    @Test func `EXISTS and GET over RESP find what a peer has, and nothing else`() throws {
        let redis = try RedisProcess()
        let (a, b) = (try node(redis), try node(redis))
        for number in 0..<8 { try put(a, StorageKey("k\(number)"), seed: number) }
        settle(a)
        let url = NodeURL(.resp, .tcp(host: "127.0.0.1", port: b.port))
        var connection = try RESPConnection(connectingTo: url)
        #expect(try connection.exists("k0"))
        #expect(try !connection.exists("x"))
        var buffer = TransferBuffer(byteCapacity: 0)
        let keys = (0..<8).map { StorageKey("k\($0)") } + ["x"]
        var found: [Int: [UInt8]] = [:]
        try connection.pipeline(.get, keys, into: &buffer) { index, isHit, payload in
            if isHit { found[index] = [UInt8](copying: payload) }
        }
        #expect(found.count == 8)
        for (number, bytes) in found { #expect(bytes == TestMemory.bytes(byteCount, seed: number)) }
        a.stop()
        b.stop()
    }

    @Test func `many values come over few connections, each as its own`() throws {
        let redis = try RedisProcess()
        let (a, b) = (try node(redis), try node(redis))
        for number in 0..<60 { try put(a, StorageKey("k\(number)"), seed: number) }
        settle(a)
        let peers = try #require(b.node.peers)
        let keys = (0..<64).map { StorageKey("k\($0)") }
        let found = Threads.map(1) { _ in peers.batchedGetBlocking(keys) }[0]
        #expect(found.count == 60)
        for (number, object) in found.enumerated() {
            #expect(TestMemory.take(object) == TestMemory.bytes(byteCount, seed: number))
        }
        #expect(peers.statistics.hitCount == 60)
        a.stop()
        b.stop()
    }

    @Test func `values that came over RESP, and plain ones over lm, are served by the peer in both ways`()
        throws
    {
        let redis = try RedisProcess()
        let (a, b) = (try node(redis), try node(redis))
        let bytes = TestMemory.bytes(10_000, seed: 3)
        var lm = try connect(a)
        try lm.put("lm", bytes.rawSpan)
        var resp = try RESPConnection(connectingTo: NodeURL(.resp, .tcp(host: "127.0.0.1", port: a.port)))
        try resp.put("resp", bytes.rawSpan)
        #expect(try lm.exists("lm"))
        settle(a)
        var atPeer = try connect(b)
        var buffer = TransferBuffer(byteCapacity: 0)
        #expect(try atPeer.get("lm", into: &buffer)?.payloadByteCount == bytes.count)
        #expect([UInt8](copying: buffer.prefix(bytes.count)) == bytes)
        resp = try RESPConnection(connectingTo: NodeURL(.resp, .tcp(host: "127.0.0.1", port: b.port)))
        for key in ["lm", "resp"] as [StorageKey] {
            #expect(try resp.get(key, into: &buffer) == bytes.count)
            #expect([UInt8](copying: buffer.prefix(bytes.count)) == bytes)
        }
        a.stop()
        b.stop()
    }

    @Test func `what was evicted, removed or expires is not announced any more`() throws {
        let redis = try RedisProcess()
        let (a, b) = (try node(redis, memoryByteCount: 2 << 20), try node(redis))
        for number in 0..<20 { try put(a, StorageKey("k\(number)"), seed: number) }
        settle(a)
        let directory = try #require(b.node.directory)
        func isKnown(_ key: StorageKey) -> Bool {
            !Threads.map(1) { _ in directory.holders(of: key) }[0].isEmpty
        }
        #expect(!isKnown("k0"))
        #expect(isKnown("k19") && isKnown("k18") && isKnown("k17"))
        var connection = try connect(a)
        #expect(try connection.remove("k19"))
        try RawRedis(a.port).command(["PEXPIRE", "k18", "60000"])
        settle(a)
        #expect(!isKnown("k19"))
        #expect(!isKnown("k18"))
        #expect(isKnown("k17"))
        try RawRedis(a.port).command(["FLUSHALL"])
        settle(a)
        #expect(!isKnown("k17"))
        #expect(try get(b, "k17") == nil)
        a.stop()
        b.stop()
    }

    @Test func `a peer that answers no more is a miss, and no question goes round in circles`() throws {
        let redis = try RedisProcess()
        let (a, b) = (try node(redis), try node(redis))
        try put(a, "k", seed: 1)
        settle(a)
        // Both are said to have what neither has.
        a.node.directory?.insert("ghost")
        b.node.directory?.insert("ghost")
        settle(a, b)
        #expect(try get(a, "ghost") == nil)
        #expect(try get(b, "ghost") == nil)
        #expect(b.node.peers?.statistics.staleCount == 1)
        a.stopServing()
        #expect(try get(b, "k") == nil)
        #expect(b.node.peers?.statistics.staleCount == 2)
        a.stop()
        b.stop()
    }

    @Test func `a directory that is gone leaves a node with what it has`() throws {
        let redis = try RedisProcess()
        let (a, b) = (try node(redis), try node(redis))
        try put(a, "k", seed: 1)
        settle(a)
        redis.stop()
        #expect(try get(b, "k") == nil)
        #expect(try get(a, "k") == TestMemory.bytes(byteCount, seed: 1))
        try put(b, "l", seed: 2)
        try redis.restart()
        for _ in 0..<1000 where try get(b, "k") == nil { Thread.sleep(milliseconds: 10) }
        #expect(try get(b, "k") == TestMemory.bytes(byteCount, seed: 1))
        a.stop()
        b.stop()
    }
}
