import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseEngine

/// What a storage manager says of itself: health, and events without a lock held.
@Suite struct StorageEventTests {
    private let slower: CountingBackend
    private let events = Lock<[StorageEvent]>([])
    private let manager: StorageManager

    private static let memory = StorageManager.memoryName

    init() throws {
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: 4 << 20))
        let backend = try CountingBackend()
        slower = backend
        manager = StorageManager(
            memory: LocalCPUBackend(pool: pool),
            slower: [StorageTier(name: "Slower", backend: backend)],
            observer: { [events] event in events.withLock { $0.append(event) } }
        )
    }

    private func take() -> [StorageEvent] {
        events.withLock { events in
            defer { events = [] }
            return events
        }
    }

    private func put(_ manager: StorageManager, _ keys: StorageKey...) throws {
        for key in keys {
            let object = try #require(
                try manager.allocate(MemoryObjectMetadata(shape: [100], dtype: .uint8, format: .binary))
            )
            manager.put(key, object)
            object.release()
        }
    }

    @Test func `puts, refusals and removals are told, with the backend's name`() throws {
        try put(manager, "a")
        #expect(take() == [.init(.stored, "a", in: Self.memory), .init(.stored, "a", in: "Slower")])
        slower.refusePuts(true)
        try put(manager, "a")
        #expect(take() == [.init(.stored, "a", in: Self.memory), .init(.refused, "a", in: "Slower")])
        #expect(manager.remove("a") == 1)
        #expect(take() == [.init(.removed, "a", in: Self.memory)])
        #expect(manager.remove("a") == 0)
        #expect(take() == [])
    }

    @Test func `a get tells where the value was, and where it went`() throws {
        try put(manager, "a")
        _ = take()
        manager.get("a")?.release()
        #expect(take() == [.init(.loaded, "a", in: Self.memory)])
        #expect(manager.memory.remove("a"))
        manager.get("a")?.release()
        #expect(take() == [.init(.loaded, "a", in: "Slower"), .init(.stored, "a", in: Self.memory)])
        #expect(manager.get("absent") == nil)
        #expect(take() == [.init(.missed, "absent", in: nil)])
    }

    @Test func `batches tell of each key that was asked for`() throws {
        try put(manager, "a", "b", "d")
        #expect(manager.memory.remove("b"))
        _ = take()
        for object in manager.batchedGet(["a", "b", "c", "d"]) { object.release() }
        // The last is behind the hole; memory had it when it was asked, and it was given back.
        #expect(
            take() == [
                .init(.loaded, "a", in: Self.memory), .init(.loaded, "d", in: Self.memory),
                .init(.loaded, "b", in: "Slower"), .init(.stored, "b", in: Self.memory),
                .init(.missed, "c", in: nil),
            ]
        )
        for object in manager.batchedGetEach(["c", "d"]) { object?.release() }
        #expect(take() == [.init(.loaded, "d", in: Self.memory), .init(.missed, "c", in: nil)])
    }

    @Test func `memory that only lends itself refuses nothing`() throws {
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: 4 << 20))
        let lending = StorageManager(
            memory: LocalCPUBackend(pool: pool, storesValues: false),
            slower: [StorageTier(name: "Slower", backend: slower)],
            observer: { [events] event in events.withLock { $0.append(event) } }
        )
        try put(lending, "a")
        #expect(take() == [.init(.stored, "a", in: "Slower")])
    }

    @Test func `an observer may use the manager, also for the key that it hears of`() throws {
        let box = Lock<StorageManager?>(nil)
        let depth = Lock(0)
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: 4 << 20))
        let manager = StorageManager(
            memory: LocalCPUBackend(pool: pool),
            slower: [StorageTier(name: "Slower", backend: slower)],
            observer: { event in
                let isFirst = depth.withLock { depth in
                    defer { depth += 1 }
                    return depth == 0
                }
                guard isFirst, let manager = box.withLock({ $0 }) else { return }
                for object in manager.batchedGet(["a", "b", event.key]) { object.release() }
                manager.remove(event.key)
            }
        )
        try put(manager, "a", "b")
        box.withLock { $0 = manager }
        manager.memory.removeAll()
        depth.withLock { $0 = 0 }
        for object in manager.batchedGet(["a", "b", "c"]) { object.release() }
        #expect(manager.isIdle)
        // One of them was removed.
        #expect(manager.memory.contains("a") != manager.memory.contains("b"))
        box.withLock { $0 = nil }
    }

    @Test func `health names each backend, and why one does no work`() throws {
        let healthy = manager.health
        #expect(healthy.isHealthy && healthy.code == 0)
        #expect(healthy.tiers.map(\.name) == [Self.memory, "Slower"])
        slower.fail("it burns")
        let health = manager.health
        #expect(!health.isHealthy && health.code == -1)
        #expect(health.tiers.map(\.health) == [.healthy, .unhealthy("it burns")])
        #expect(health.tiers[1].health.reason == "it burns")
        slower.fail(nil)
        #expect(manager.health == healthy)
    }
}
