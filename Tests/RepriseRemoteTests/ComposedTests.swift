import RepriseCore
import RepriseEngine
import RepriseHashing
import RepriseRemote
import RepriseTesting
import Testing

/// A remote store behind memory, in one storage manager.
@Suite struct ComposedTests {
    private func manager(
        _ port: UInt16,
        memoryByteCount: Int,
        limits: RemoteLimits = RemoteLimits()
    ) throws -> (StorageManager, RemoteBackend) {
        let memory = try TestMemory.make(byteCount: memoryByteCount)
        let url = try RemoteURL(parsing: "redis://127.0.0.1:\(port)")
        let remote = RemoteBackend(memory: memory, url: url, limits: limits)
        let tier = StorageTier(name: "RemoteBackend", backend: remote)
        return (StorageManager(memory: memory, slower: [tier]), remote)
    }

    private func put(_ manager: StorageManager, _ key: StorageKey, seed: Int) throws {
        let metadata = MemoryObjectMetadata(shape: [100_000], dtype: .uint8, format: .binary)
        let object = try TestMemory.object(manager.memory, metadata, seed: seed)
        manager.put(key, object)
        object.release()
    }

    private func get(_ manager: StorageManager, _ key: StorageKey) -> [UInt8]? {
        TestMemory.take(Threads.map(1) { _ in manager.get(key) }[0])
    }

    private func wait(_ what: String, until isTrue: () -> Bool) {
        for _ in 0..<500 where !isTrue() { Thread.sleep(milliseconds: 10) }
        #expect(isTrue(), "\(what) did not happen")
    }

    @Test func `what memory has evicted comes from the remote store, and is promoted`() throws {
        let node = try TestNode()
        defer { node.stop() }
        let (manager, remote) = try manager(node.port, memoryByteCount: 2 << 20)
        defer { manager.close() }
        for number in 0..<60 {
            try put(manager, StorageKey("k\(number)"), seed: number)
            wait("the put") { remote.statistics.queuedKeyCount == 0 }
        }
        #expect(manager.location(of: "k0", in: ["LocalCPUBackend"]) == nil)
        #expect(Threads.map(1) { _ in manager.location(of: "k0") } == ["RemoteBackend"])
        #expect(get(manager, "k0") == TestMemory.bytes(100_000, seed: 0))
        #expect(manager.location(of: "k0", in: ["LocalCPUBackend"]) == "LocalCPUBackend")
        let keys = (0..<60).map { StorageKey("k\($0)") }
        #expect(Threads.map(1) { _ in manager.lookup(keys) } == [60])
        #expect(Threads.map(1) { _ in manager.remove("k1") }[0] > 0)
        #expect(get(manager, "k1") == nil)
        #expect(remote.statistics.corruptCount == 0)
    }

    @Test func `another process finds what this one has stored`() throws {
        let node = try TestNode()
        defer { node.stop() }
        let (first, _) = try manager(node.port, memoryByteCount: 2 << 20)
        try put(first, "k", seed: 5)
        // Closing waits for what is queued.
        first.close()
        let (second, _) = try manager(node.port, memoryByteCount: 2 << 20)
        defer { second.close() }
        #expect(get(second, "k") == TestMemory.bytes(100_000, seed: 5))
    }

    @Test(arguments: ["lm", "redis"])
    func `a new engine finds the prompt that another one has stored`(scheme: String) throws {
        let node = try TestNode()
        defer { node.stop() }
        let url = try RemoteURL(parsing: "\(scheme)://127.0.0.1:\(node.port)")
        let scope = try KeyScope(form: .current(dtype: .float16), modelName: "m", worldSize: 1, workerID: 0)
        let tokens = try ChunkedTokenDatabase(scope: scope, algorithm: .sha256UInt32, savesUnfullChunk: true)
        let prompt = TokenArray((0..<2000).map { UInt32($0 * 7 % 50_000) })
        let slots = Array((0..<2000).reversed())
        func engine() throws -> CacheEngine<PagedHostMemory> {
            let memory = try TestMemory.make(byteCount: 8 << 20)
            let tier = StorageTier(name: "RemoteBackend", backend: RemoteBackend(memory: memory, url: url))
            let cache = try PagedHostMemory(
                layerCount: 2,
                slotCount: 2000,
                rowElementCount: 8,
                dtype: .float16
            )
            return CacheEngine(
                tokens: tokens,
                storage: StorageManager(memory: memory, slower: [tier]),
                connector: cache
            )
        }
        let (first, second) = (try engine(), try engine())
        for slot in 0..<2000 {
            first.connector.withRow(layer: 1, slot: slot, isValue: true) { row in
                row.storeBytes(of: UInt16(slot), as: UInt16.self)
            }
        }
        let report = Threads.map(1) { _ in try? first.store(prompt, at: .slots(slots)) }[0]
        #expect(report?.storedTokenCount == 2000)
        first.close()
        let mask = Threads.map(1) { _ in try? second.retrieve(prompt, to: .slots(slots)) }[0]
        #expect(mask == [Bool](repeating: true, count: 2000))
        let isSame = (0..<2000).allSatisfy { slot in
            second.connector.withRow(layer: 1, slot: slot, isValue: true) { row in
                row.bytes.loadLittleEndian(at: 0, as: UInt16.self) == UInt16(slot)
            }
        }
        #expect(isSame)
        second.close()
    }

    @Test func `a store that hangs does not hold up what memory has`() throws {
        let server = ScriptedServer { peer in while peer.receiveCommand() != nil {} }
        defer { server.stop() }
        var limits = RemoteLimits()
        limits.callTimeMax = .seconds(2)
        limits.closeTimeMax = .milliseconds(100)
        let (manager, remote) = try manager(server.port, memoryByteCount: 8 << 20, limits: limits)
        defer { manager.close() }
        try put(manager, "k", seed: 1)
        for _ in 0..<1000 { #expect(get(manager, "k") == TestMemory.bytes(100_000, seed: 1)) }
        #expect(remote.statistics.hitCount == 0)
    }
}
