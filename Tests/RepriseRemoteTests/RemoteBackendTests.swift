import RepriseCore
import RepriseTesting
import RepriseWire
import Testing

@testable import RepriseRemote

/// A remote store that hangs, resets, answers garbage or slowly, and a backend that does not mind.
@Suite struct RemoteBackendTests {
    private let memory: LocalCPUBackend

    init() throws { memory = try TestMemory.make() }

    private static func limits(callTime: Duration = .seconds(1)) -> RemoteLimits {
        var limits = RemoteLimits()
        limits.connectionCount = 2
        limits.callTimeMax = callTime
        limits.failureCountMax = 2
        limits.pauseMin = .milliseconds(20)
        limits.pauseMax = .milliseconds(80)
        limits.closeTimeMax = .milliseconds(500)
        return limits
    }

    private func backend(_ text: String, _ limits: RemoteLimits = Self.limits()) throws -> RemoteBackend {
        RemoteBackend(memory: memory, url: try RemoteURL(parsing: text), limits: limits)
    }

    /// Runs on a thread of our own, since calls block.
    private func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> Value {
        Threads.map(1) { _ in body() }[0]
    }

    private func put(_ backend: RemoteBackend, _ key: StorageKey, seed: Int = 1) throws -> Bool? {
        let object = try TestMemory.object(memory, seed: seed)
        defer { object.release() }
        guard let task = backend.submitPutTask(key, object) else { return nil }
        return onThread { task.wait() }
    }

    private func wait(_ what: String, until isTrue: () -> Bool) {
        for _ in 0..<500 where !isTrue() { Thread.sleep(milliseconds: 10) }
        #expect(isTrue(), "\(what) did not happen")
    }

    /// What a server does wrong to each request.
    enum Fault: String, CaseIterable, Sendable {
        case hangs, resets, answersGarbage, answersSlowly, loads
    }

    private static func misbehave(_ peer: ScriptedServer.Peer, _ fault: Fault) {
        // The greeting is answered, so that the fault is met in the middle.
        guard peer.receiveCommand() != nil else { return }
        peer.send("%1\r\n$5\r\nproto\r\n:3\r\n")
        while peer.receiveCommand() != nil {
            switch fault {
            case .hangs: continue
            case .resets: return peer.reset()
            case .answersGarbage: peer.send("what?\r\n\r\n")
            case .answersSlowly:
                for byte in Array("$1000\r\n".utf8) + [UInt8](repeating: 1, count: 1002) {
                    Thread.sleep(milliseconds: 5)
                    peer.send([byte])
                }
            case .loads: peer.send("-LOADING Redis is loading the dataset in memory\r\n")
            }
        }
    }

    @Test(arguments: Fault.allCases)
    func `each call ends in time, the store is given up, and it heals by itself`(fault: Fault) throws {
        let server = ScriptedServer { Self.misbehave($0, fault) }
        let backend = try backend("redis://127.0.0.1:\(server.port)")
        defer { backend.close() }
        let start = ContinuousClock.now
        for _ in 0..<3 {
            #expect(onThread { backend.getBlocking("k") } == nil)
            #expect(!onThread { backend.contains("k") })
        }
        // Six calls, of which the first few may take their whole time; a call that hangs for ever would hang.
        #expect(ContinuousClock.now - start < .seconds(60))
        wait("the outage") { backend.statistics.isOut }
        #expect(try put(backend, "k") == nil, "a put is refused while the store is given up")
        #expect(onThread { backend.batchedContains(["k"]) } == 0)
        let statistics = backend.statistics
        #expect(backend.health.reason?.contains("does not answer") == true)
        #expect(statistics.errorCount > 0 && statistics.outageCount == 1 && statistics.lastError != nil)
        #expect(statistics.skippedCount > 0 && statistics.refusedPutCount == 1)
        let port = server.port
        server.stop()
        let node = try TestNode(port: port)
        defer { node.stop() }
        wait("the recovery") { (try? put(backend, "other", seed: 2)) == true }
        #expect(TestMemory.take(onThread { backend.getBlocking("other") }) == TestMemory.bytes(16, seed: 2))
    }

    @Test func `what was put before an outage is not found as an older value after it`() throws {
        let first = try TestNode()
        let port = first.port
        let backend = try backend("redis://127.0.0.1:\(port)")
        defer { backend.close() }
        #expect(try put(backend, "k", seed: 1) == true)
        first.stop()
        for _ in 0..<4 { _ = onThread { backend.getBlocking("x") } }
        wait("the outage") { backend.statistics.isOut }
        #expect(try put(backend, "k", seed: 2) == nil)
        // As a storage manager does with what is refused.
        #expect(!onThread { backend.submitRemoveTask("k").wait() })
        #expect(onThread { backend.getBlocking("k") } == nil)
        // The store comes back with the older value.
        let second = try TestNode(port: port)
        defer { second.stop() }
        let connector = try RemoteURL(parsing: "redis://127.0.0.1:\(port)").makeConnector()
        try connector.put("k", try TestMemory.object(memory, seed: 1))
        wait("the recovery") { !backend.statistics.isOut && backend.statistics.queuedKeyCount == 0 }
        #expect(backend.health.isHealthy)
        #expect(onThread { backend.getBlocking("k") } == nil)
        #expect(try connector.exists(["k"]) == [false])
        connector.close()
    }

    @Test func `a value that is not what was put is a counted miss, and the next put repairs it`() throws {
        let node = try TestNode()
        defer { node.stop() }
        let url = "redis://127.0.0.1:\(node.port)"
        let backend = try backend(url, Self.limits(callTime: .seconds(5)))
        defer { backend.close() }
        #expect(try put(backend, "k") == true)
        var raw = try RESPConnection(connectingTo: try NodeURL(parsing: url))
        var buffer = TransferBuffer(byteCapacity: 0)
        let count = try #require(try raw.get("krecord", into: &buffer))
        let record = [UInt8](copying: buffer.prefix(count))
        var damages = 0
        for position in record.indices {
            var damaged = record
            damaged[position] ^= 1 << UInt8(position % 8)
            try raw.put("krecord", damaged.rawSpan)
            if onThread({ backend.getBlocking("k") }) != nil { damages += 1 }
        }
        for length in stride(from: 0, to: record.count, by: 7) {
            try raw.put("krecord", Array(record.prefix(length)).rawSpan)
            if onThread({ backend.getBlocking("k") }) != nil { damages += 1 }
        }
        #expect(damages == 0)
        #expect(backend.statistics.corruptCount == UInt64(record.count + (record.count + 6) / 7))
        // Another key's record is no value of this one.
        try raw.put("otherrecord", record.rawSpan)
        #expect(onThread { backend.getBlocking("other") } == nil)
        #expect(try put(backend, "k", seed: 3) == true)
        #expect(TestMemory.take(onThread { backend.getBlocking("k") }) == TestMemory.bytes(16, seed: 3))
    }

    @Test func `a value whose shape asks for other bytes than it has is a counted miss`() throws {
        let node = try TestNode()
        defer { node.stop() }
        let url = "redis://127.0.0.1:\(node.port)"
        let backend = try backend("\(url)?layout=lmcache", Self.limits(callTime: .seconds(5)))
        defer { backend.close() }
        #expect(try put(backend, "k") == true)
        // The same length, and a shape of a thousand times as many elements, which is not to be believed.
        let group = RemoteMetadata.Group(dtype: .uint8, shape: [1, 1, 2, 8000])
        let lie = try RemoteMetadata(payloadByteCount: 16, format: .kv2LTD, groups: [group]).encoded()
        var raw = try RESPConnection(connectingTo: try NodeURL(parsing: url))
        try raw.put("kmetadata", lie.rawSpan)
        #expect(onThread { backend.getBlocking("k") } == nil)
        #expect(backend.statistics.corruptCount == 1)
    }

    @Test func `keys are asked for again when a server that was loading has loaded`() throws {
        let isLoading = Lock(true)
        let server = ScriptedServer { peer in
            while let command = peer.receiveCommand() {
                let word = String(decoding: command[0], as: UTF8.self)
                switch word {
                case "HELLO": peer.send("%1\r\n$5\r\nproto\r\n:3\r\n")
                case _ where isLoading.withLock { $0 }: peer.send("-LOADING the data\r\n")
                case "PING": peer.send("+PONG\r\n")
                case "SET": peer.send("+OK\r\n")
                case "GET": peer.send("_\r\n")
                default: peer.send(":1\r\n")
                }
            }
        }
        defer { server.stop() }
        let backend = try backend("redis://127.0.0.1:\(server.port)")
        defer { backend.close() }
        #expect(try put(backend, "k") == false)
        wait("the outage") { backend.statistics.isOut }
        isLoading.withLock { $0 = false }
        wait("the recovery") { !backend.statistics.isOut && backend.statistics.queuedKeyCount == 0 }
        #expect(backend.statistics.forgottenKeyCount == 0)
        #expect(onThread { backend.contains("k") })
    }

    @Test func `half of a pair of keys is a miss, and is removed`() throws {
        let node = try TestNode()
        defer { node.stop() }
        let url = "redis://127.0.0.1:\(node.port)"
        let backend = try backend("\(url)?layout=lmcache", Self.limits(callTime: .seconds(5)))
        defer { backend.close() }
        #expect(try put(backend, "k") == true)
        var raw = try RESPConnection(connectingTo: try NodeURL(parsing: url))
        #expect(Set(try raw.list()) == ["kmetadata", "kkv_bytes"])
        _ = try raw.remove("kkv_bytes")
        #expect(onThread { backend.contains("k") })
        #expect(onThread { backend.getBlocking("k") } == nil)
        #expect(try raw.list().isEmpty)
    }

    @Test func `a put beyond the queue's bytes is refused`() throws {
        let server = ScriptedServer { Self.misbehave($0, .hangs) }
        defer { server.stop() }
        var limits = Self.limits(callTime: .seconds(2))
        limits.queuedByteCountMax = 40
        let backend = try backend("redis://127.0.0.1:\(server.port)", limits)
        let objects = try (0..<3).map { try TestMemory.object(memory, seed: $0) }
        let tasks = objects.enumerated().map { backend.submitPutTask(StorageKey("k\($0)"), $1) }
        #expect(tasks.map { $0 != nil } == [true, true, false])
        #expect(backend.statistics.refusedPutCount == 1)
        #expect(backend.existsInPutTasks("k0"))
        // What is on its way is there.
        #expect(TestMemory.take(backend.getBlockingOnThread("k1")) == TestMemory.bytes(16, seed: 1))
        backend.close()
        #expect(tasks.compactMap { $0 }.allSatisfy { task in !onThread { task.wait() } })
        #expect(objects.allSatisfy { $0.referenceCount == 1 })
    }

    @Test func `a value that cannot be turned leaves no put task and no reference behind`() throws {
        struct Refusing: Serde {
            func serialize(_ object: MemoryObject, _ allocate: RemoteAllocation) -> MemoryObject? { nil }
            func deserialize(_ object: MemoryObject, _ allocate: RemoteAllocation) -> MemoryObject? { nil }
        }
        let backend = RemoteBackend(memory: memory, limits: Self.limits(), serde: Refusing()) {
            BlackholeConnector()
        }
        defer { backend.close() }
        let object = try TestMemory.object(memory)
        let task = try #require(backend.submitPutTask("k", object))
        #expect(!onThread { task.wait() })
        #expect(!backend.existsInPutTasks("k"))
        #expect(object.referenceCount == 1)
        #expect(backend.statistics.failedPutCount == 1)
    }

    @Test func `a value for which there is no memory is a counted miss`() throws {
        let node = try TestNode()
        defer { node.stop() }
        let small = try TestMemory.make(byteCount: 1 << 20)
        let url = try RemoteURL(parsing: "redis://127.0.0.1:\(node.port)")
        let backend = RemoteBackend(memory: small, url: url, limits: Self.limits(callTime: .seconds(5)))
        defer { backend.close() }
        let large = MemoryObjectMetadata(shape: [3 << 20], dtype: .uint8, format: .binary)
        let connector = url.makeConnector()
        try connector.put("k", try TestMemory.object(memory, large))
        #expect(onThread { backend.contains("k") })
        #expect(onThread { backend.getBlocking("k") } == nil)
        #expect(backend.statistics.noMemoryCount == 1 && !backend.statistics.isOut)
        connector.close()
    }
}

extension RemoteBackend {
    /// Asks on a thread of our own.
    fileprivate func getBlockingOnThread(_ key: StorageKey) -> MemoryObject? {
        Threads.map(1) { _ in self.getBlocking(key) }[0]
    }
}
