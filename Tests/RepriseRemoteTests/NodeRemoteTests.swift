import Glibc
import RepriseCore
import RepriseNode
import RepriseRemote
import RepriseTesting
import RepriseWire
import Testing

/// A node with a remote store behind it.
@Suite(.serialized, .enabled(if: RedisProcess.isInstalled, "redis-server is not installed"))
struct NodeRemoteTests {
    private func node(_ redis: RedisProcess, memoryByteCount: Int = 32 << 20) throws -> TestNode {
        let url = try RemoteURL(parsing: "redis://127.0.0.1:\(redis.port)")
        return try TestNode(memoryByteCount: memoryByteCount) { $0.remote = RemoteConfiguration(url: url) }
    }

    private func connect(_ port: UInt16) throws -> RESPConnection {
        try RESPConnection(connectingTo: NodeURL(.resp, .tcp(host: "127.0.0.1", port: port)))
    }

    private func get(_ node: TestNode, _ key: StorageKey) throws -> [UInt8]? {
        var connection = try connect(node.port)
        var buffer = TransferBuffer(byteCapacity: 0)
        return try connection.get(key, into: &buffer).map { [UInt8](copying: buffer.prefix($0)) }
    }

    private func settle(_ node: TestNode) {
        for _ in 0..<1000 where node.node.remote?.statistics.queuedKeyCount != 0 {
            Thread.sleep(milliseconds: 5)
        }
    }

    @Test func `what a node has stored is there after it is gone`() throws {
        let redis = try RedisProcess()
        var node = try node(redis)
        var connection = try connect(node.port)
        for number in 0..<20 {
            try connection.put(StorageKey("k\(number)"), TestMemory.bytes(50_000, seed: number).rawSpan)
        }
        settle(node)
        node.stop()
        node = try self.node(redis)
        #expect(node.node.memory.entryCount == 0)
        for number in 0..<20 {
            #expect(try get(node, StorageKey("k\(number)")) == TestMemory.bytes(50_000, seed: number))
        }
        #expect(try get(node, "k20") == nil)
        #expect(node.node.memory.entryCount == 20)
        #expect(node.node.remote?.statistics.hitCount == 20)
        // From memory now.
        #expect(try get(node, "k0") == TestMemory.bytes(50_000, seed: 0))
        #expect(node.node.remote?.statistics.hitCount == 20)
        node.stop()
    }

    @Test(arguments: [NodeURL.Wire.resp, .lm])
    func `a pipeline longer than what is asked for at a time finds everything`(wire: NodeURL.Wire) throws {
        let redis = try RedisProcess()
        var node = try node(redis)
        let keys = (0..<40).map { StorageKey("k\($0)") }
        var lm = try LMConnection(connectingTo: .tcp(host: "127.0.0.1", port: node.port))
        let metadata = MemoryObjectMetadata(verbatimFormat: 1, dtype: 6, shape: [2, 1, 5, 512], origin: .lm)
        for (number, key) in keys.enumerated() {
            try lm.put(key, TestMemory.bytes(5120, seed: number).rawSpan, metadata: metadata)
        }
        #expect(try lm.exists(keys[39]))
        settle(node)
        node.stop()
        node = try self.node(redis)
        var buffer = TransferBuffer(byteCapacity: 0)
        let found = Lock<[Int: [UInt8]]>([:])
        let wanted = keys + ["absent"]
        if wire == .lm {
            lm = try LMConnection(connectingTo: .tcp(host: "127.0.0.1", port: node.port))
            try lm.pipeline(.get, wanted, into: &buffer) { index, reply, payload in
                if reply != nil { found.withLock { $0[index] = [UInt8](copying: payload) } }
            }
        } else {
            var connection = try connect(node.port)
            try connection.pipeline(.get, wanted, into: &buffer) { index, isHit, payload in
                if isHit { found.withLock { $0[index] = [UInt8](copying: payload) } }
            }
        }
        let values = found.withLock { $0 }
        #expect(values.count == 40)
        for (number, bytes) in values { #expect(bytes == TestMemory.bytes(5120, seed: number)) }
        node.stop()
    }

    @Test func `what was overwritten, removed or has expired does not come back from there`() throws {
        let redis = try RedisProcess()
        let node = try node(redis)
        var connection = try connect(node.port)
        for key in ["kept", "overwritten", "removed", "expiring"] as [StorageKey] {
            try connection.put(key, TestMemory.bytes(1000, seed: 1).rawSpan)
        }
        settle(node)
        try connection.put("overwritten", TestMemory.bytes(1000, seed: 2).rawSpan)
        #expect(try connection.remove("removed"))
        try RawRedis(node.port).command(["PEXPIRE", "expiring", "1"])
        settle(node)
        Thread.sleep(milliseconds: 20)
        // What is left when the memory has nothing.
        try RawRedis(node.port).command(["FLUSHALL"])
        #expect(try get(node, "kept") == TestMemory.bytes(1000, seed: 1))
        #expect(try get(node, "overwritten") == TestMemory.bytes(1000, seed: 2))
        #expect(try get(node, "removed") == nil)
        #expect(try get(node, "expiring") == nil)
        node.stop()
    }

    @Test func `a remote store that hangs leaves most of a small memory to clients`() throws {
        let redis = try RedisProcess()
        let node = try node(redis, memoryByteCount: 8 << 20)
        redis.signal(SIGSTOP)
        defer { redis.signal(SIGCONT) }
        var connection = try connect(node.port)
        for number in 0..<200 {
            try connection.put(StorageKey("k\(number)"), TestMemory.bytes(200_000, seed: number).rawSpan)
        }
        #expect(try get(node, "k199") == TestMemory.bytes(200_000, seed: 199))
        let statistics = try #require(node.node.remote?.statistics)
        #expect(statistics.queuedByteCount <= 2 << 20)
        #expect(statistics.refusedPutCount > 0)
        redis.signal(SIGCONT)
        node.stop()
    }

    @Test func `a remote store that is gone is a miss, and the node serves on`() throws {
        let redis = try RedisProcess()
        let node = try node(redis)
        var connection = try connect(node.port)
        try connection.put("k", TestMemory.bytes(1000, seed: 1).rawSpan)
        settle(node)
        redis.stop()
        #expect(try get(node, "k") == TestMemory.bytes(1000, seed: 1))
        for number in 0..<5 { #expect(try get(node, StorageKey("x\(number)")) == nil) }
        try connection.put("l", TestMemory.bytes(1000, seed: 2).rawSpan)
        #expect(try get(node, "l") == TestMemory.bytes(1000, seed: 2))
        node.stop()
    }
}
