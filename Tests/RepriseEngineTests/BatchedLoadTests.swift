import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseEngine

/// Many keys at once through memory and slower backends that count what they are asked.
@Suite struct BatchedLoadTests {
    private let memory: LocalCPUBackend
    private let backends: [CountingBackend]
    private let manager: StorageManager

    init() throws {
        memory = LocalCPUBackend(pool: try MemoryPool(MemoryPool.Configuration(byteCount: 8 << 20)))
        backends = [try CountingBackend(), try CountingBackend()]
        let tiers = zip(["First", "Second"], backends).map { StorageTier(name: $0, backend: $1) }
        manager = StorageManager(memory: memory, slower: tiers)
    }

    private static let byteCount = 5000

    private func keys(_ numbers: Range<Int>) -> [StorageKey] { numbers.map { StorageKey("key-\($0)") } }

    private func put(_ backend: any StorageBackend, _ key: StorageKey, version: Int = 0) throws {
        let metadata = MemoryObjectMetadata(shape: [Self.byteCount], dtype: .uint8, format: .binary)
        let object = try #require(try manager.allocate(metadata))
        object.copy(from: Self.bytes(key, version).rawSpan)
        backend.submitPutTask(key, object)
        object.release()
    }

    private static func bytes(_ key: StorageKey, _ version: Int = 0) -> [UInt8] {
        let start = key.bytes.reduce(version) { $0 &* 31 &+ Int($1) }
        return (0..<byteCount).map { UInt8(truncatingIfNeeded: start &+ $0) }
    }

    private static func take(_ object: MemoryObject?) -> [UInt8]? {
        guard let object else { return nil }
        defer { object.release() }
        return [UInt8](copying: object.bytes)
    }

    private func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> Value {
        Threads.map(1) { _ in body() }[0]
    }

    private func batchedGet(_ keys: [StorageKey]) -> [[UInt8]?] {
        blocking { [manager] in manager.batchedGet(keys).map(Self.take) }
    }

    @Test func `a prompt's values come from a slower backend with one call`() throws {
        let keys = keys(0..<30)
        for key in keys[10...] { try put(backends[0], key) }
        for key in keys[..<10] { try put(memory, key) }
        #expect(batchedGet(keys) == keys.map { Self.bytes($0) })
        #expect(backends[0].takeCalls() == .init(batchedGets: 1, askedKeys: Array(keys[10...])))
        #expect(backends[1].takeCalls() == .init())
        #expect(batchedGet(keys).count == 30)
        #expect(backends[0].takeCalls() == .init())
    }

    @Test func `one question to each backend says which keys are there`() throws {
        let keys = keys(0..<30)
        for key in keys[..<10] { try put(memory, key) }
        for key in keys[15..<20] { try put(backends[0], key) }
        for key in keys[25...] { try put(backends[1], key) }
        let wanted = keys.indices.map { $0 < 10 || (15..<20).contains($0) || $0 >= 25 }
        #expect(manager.presence(of: keys) == wanted)
        #expect(backends.map { $0.takeCalls() } == [.init(presence: 1), .init(presence: 1)])
        #expect(manager.presence(of: keys, in: ["Second"]) == keys.indices.map { $0 >= 25 })
        #expect(manager.presence(of: Array(keys[..<10])).allSatisfy { $0 })
        #expect(backends[0].takeCalls() == .init())
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `batches find what is there, wherever it is, and give every reference back`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let keys = keys(0..<24)
        let stores: [any StorageBackend] = [memory, backends[0], backends[1]]
        var there: Set<StorageKey> = []
        let density = Int.random(in: 1...12, using: &random)
        for key in keys {
            for store in stores where Int.random(in: 0..<density, using: &random) == 0 {
                try put(store, key)
                there.insert(key)
            }
        }
        var asked = keys.filter { _ in Int.random(in: 0..<8, using: &random) > 0 }
        // A key more than once.
        if let again = asked.randomElement(using: &random) {
            asked.insert(again, at: Int.random(in: 0...asked.count, using: &random))
        }
        let wanted = asked.map { there.contains($0) ? Self.bytes($0) : nil }
        let each = asked
        let gotEach = blocking { [manager] in manager.batchedGetEach(each).map(Self.take) }
        #expect(gotEach == wanted)
        for key in keys where Bool.random(using: &random) { memory.remove(key) }
        // What only memory had is gone.
        let left = Set(stores.flatMap(\.keys))
        let prefix = asked.prefix { left.contains($0) }
        #expect(batchedGet(asked) == prefix.map { Self.bytes($0) })
        #expect(manager.isIdle)
        for store in stores { for key in store.keys { store.remove(key) } }
        #expect(memory.pool.usedByteCount == 0)
    }

    @Test func `who waits for a load that was given up loads for himself`() throws {
        let keys = keys(0..<3)
        try put(backends[0], keys[2])
        backends[0].closeGate()
        let batch = Lock<[[UInt8]?]?>(nil)
        let first = Thread(name: "batch") { [manager] in
            let found = manager.batchedGet(keys).map(Self.take)
            batch.withLock { $0 = found }
        }
        while backends[0].loadCount == 0 { Thread.sleep(milliseconds: 1) }
        let single = Lock<[UInt8]?>(nil)
        let second = Thread(name: "single") { [manager] in
            let found = Self.take(manager.get(keys[2]))
            single.withLock { $0 = found }
        }
        // Long enough to wait for the batch, whose load of this key is never tried.
        Thread.sleep(milliseconds: 20)
        backends[0].openGate()
        first.join()
        second.join()
        #expect(batch.withLock { $0 } == [])
        #expect(single.withLock { $0 } == Self.bytes(keys[2]))
        #expect(manager.isIdle)
    }

    @Test func `batches that meet load each key once`() throws {
        let keys = keys(0..<12)
        for key in keys { try put(backends[0], key) }
        _ = backends[0].takeCalls()
        backends[0].closeGate()
        let gates = Lock(0)
        let opener = Thread(name: "opener") { [backends] in
            while backends[0].loadCount == 0 { Thread.sleep(milliseconds: 1) }
            Thread.sleep(milliseconds: 20)
            gates.withLock { $0 = backends[0].loadCount }
            backends[0].openGate()
        }
        let found = Threads.map(4) { [manager] number in
            let asked = number.isMultiple(of: 2) ? keys : keys.reversed()
            return manager.batchedGet(asked).map(Self.take).count
        }
        opener.join()
        #expect(found == [12, 12, 12, 12])
        #expect(
            backends[0].takeCalls().askedKeys.sorted { $0.text < $1.text }
                == keys.sorted { $0.text < $1.text }
        )
        #expect(manager.isIdle)
    }

    @Test(arguments: [false, true])
    func `a batch that a put or removal has overtaken promotes no older value`(removes: Bool) throws {
        let keys = keys(0..<4)
        for key in keys { try put(backends[1], key) }
        backends[1].closeGate()
        let batch = Thread(name: "batch") { [manager] in
            for object in manager.batchedGet(keys) { object.release() }
        }
        while backends[1].loadCount == 0 { Thread.sleep(milliseconds: 1) }
        if removes {
            let removedCount = blocking { [manager] in manager.remove(keys[1]) }
            #expect(removedCount == 1)
        } else {
            let metadata = MemoryObjectMetadata(shape: [Self.byteCount], dtype: .uint8, format: .binary)
            let object = try #require(try manager.allocate(metadata))
            object.copy(from: Self.bytes(keys[1], 7).rawSpan)
            manager.put(keys[1], object)
            object.release()
        }
        backends[1].openGate()
        batch.join()
        let left = removes ? nil : Self.bytes(keys[1], 7)
        #expect(Self.take(memory.getBlocking(keys[1])) == left)
        #expect(Self.take(backends[0].inner.getBlocking(keys[1])) == left)
        #expect(Self.take(memory.getBlocking(keys[2])) == Self.bytes(keys[2]))
        #expect(manager.isIdle)
    }

    @Test func `what a slower backend cannot give is asked of the next`() throws {
        let keys = keys(0..<9)
        for (number, key) in keys.enumerated() { try put(backends[number / 3 % 2], key) }
        #expect(batchedGet(keys) == keys.map { Self.bytes($0) })
        #expect(backends.map { $0.takeCalls().gets } == [0, 0])
    }

    @Test func `a prefix is prefetched in groups`() throws {
        let keys = keys(0..<40)
        for key in keys where key != keys[35] { try put(backends[0], key) }
        _ = backends[0].takeCalls()
        let count = blocking { [manager] in manager.prefetch(prefixOf: keys) }
        #expect(count == 35)
        while manager.lookup(keys, in: [StorageManager.memoryName]) < 35 { Thread.sleep(milliseconds: 1) }
        let calls = backends[0].takeCalls()
        #expect(calls.batchedGets == 5 && calls.gets == 0 && calls.askedKeys.count == 35)
        manager.close()
    }
}
