import RepriseTesting
import Testing

@testable import RepriseCore

/// A backend of uniform blocks: LMCache's suites (K44 to K46, K48 to K54) and what ours promises beyond them.
@Suite struct LocalCPUBackendTests {
    static let blockByteCount = 4_096

    static func backend(
        blockCount: Int,
        policy: EvictionPolicy = .lru,
        storesValues: Bool = true
    ) throws -> LocalCPUBackend {
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: blockCount * blockByteCount))
        switch policy {
        case .mru: return LocalCPUBackend(pool: pool, evictor: MRUEvictor(), storesValues: storesValues)
        case .dummy: return LocalCPUBackend(pool: pool, evictor: DummyEvictor(), storesValues: storesValues)
        default: return LocalCPUBackend(pool: pool, storesValues: storesValues)
        }
    }

    /// Stores a value of `unitCount` units under a key and lets go of it; `false` when there is no room.
    @discardableResult
    static func put(_ backend: LocalCPUBackend, _ key: StorageKey, unitCount: Int = 1) -> Bool {
        let metadata = MemoryPoolTests.bytes(unitCount * blockByteCount)
        guard let object = try? backend.allocate(metadata) else { return false }
        defer { object.release() }
        return backend.submitPutTask(key, object)?.wait() ?? false
    }

    static func full(_ count: Int, policy: EvictionPolicy = .lru) throws -> LocalCPUBackend {
        let backend = try backend(blockCount: count, policy: policy)
        for number in 0..<count { #expect(put(backend, StorageKey("\(number)"))) }
        return backend
    }

    @Test func `K44 the third chunk of a cache for two evicts the one that was not hit`() throws {
        let backend = try Self.full(2)
        backend.getBlocking("0")?.release()
        #expect(Self.put(backend, "2"))
        #expect(backend.keys == ["0", "2"])
        #expect(backend.statistics.evictionCount == 1)
    }

    @Test func `K45 a value larger than the pool is refused and nothing is evicted`() throws {
        let backend = try Self.full(4)
        let metadata = MemoryPoolTests.bytes(4 * 4_096 + 1)
        let error = #expect(throws: StorageError.self) { try backend.allocate(metadata) }
        #expect(error?.code == .tooLarge)
        guard
            case .tooLarge = backend.reserve(
                byteCount: 4 * 4_096 + 1,
                metadata: metadata,
                whenRoomReturns: {}
            )
        else {
            Issue.record("a reservation larger than the pool was not refused")
            return
        }
        #expect(backend.keys.count == 4)
        #expect(Self.put(backend, "all", unitCount: 4))
        #expect(backend.keys == ["all"])
    }

    @Test func `K46 an evicted value's key is gone and its memory is used again`() throws {
        let backend = try Self.full(3)
        #expect(Self.put(backend, "new"))
        #expect(!backend.contains("0"))
        #expect(backend.getBlocking("0") == nil)
        #expect(backend.pool.usedBlockCount == 3)
        #expect(backend.pool.consistencyCheck() == nil)
    }

    @Test func `K48 holder and cache have a reference each, and a reader one more`() throws {
        let backend = try Self.backend(blockCount: 4)
        let object = try #require(try backend.allocate(MemoryPoolTests.bytes(100)))
        _ = backend.submitPutTask("a", object)
        #expect(object.referenceCount == 2)
        let read = try #require(backend.getBlocking("a"))
        #expect(read === object)
        #expect(object.referenceCount == 3)
        read.release()
        object.release()
        #expect(object.referenceCount == 1)
        #expect(backend.remove("a"))
        #expect(!object.isValid)
        #expect(backend.pool.usedByteCount == 0)
    }

    @Test func `K49 an overwritten value lives until its reader lets go, and counts as used`() throws {
        let backend = try Self.full(2)
        let old = try #require(backend.getBlocking("1"))
        #expect(Self.put(backend, "1"))
        #expect(backend.keys == ["1"])
        #expect(old.referenceCount == 1)
        #expect(backend.pool.usedByteCount == 2 * 4_096)
        #expect(backend.statistics.entryByteCount == 4_096)
        // The detached value is a wall: only the other block can make room.
        #expect(Self.put(backend, "2"))
        #expect(backend.keys == ["2"])
        #expect(old.isValid)
        old.release()
        #expect(backend.pool.usedByteCount == 4_096)
    }

    @Test func `a value that is removed while it is read counts as used until its reader lets go`() throws {
        let backend = try Self.full(1)
        let read = try #require(backend.getBlocking("0"))
        #expect(backend.remove("0"))
        #expect(!backend.contains("0"))
        #expect(backend.statistics.entryCount == 0)
        #expect(try backend.allocate(MemoryPoolTests.bytes(1)) == nil)
        read.release()
        #expect(Self.put(backend, "1"))
    }

    @Test func `K50 pinned values are not evicted until they are unpinned`() throws {
        let backend = try Self.full(3)
        #expect(backend.pin("0"))
        #expect(!backend.pin("absent"))
        #expect(backend.contains("1", pinning: true))
        #expect(Self.put(backend, "a"))
        #expect(Self.put(backend, "b"))
        #expect(Set(backend.keys) == ["0", "1", "b"])
        #expect(backend.unpin("0"))
        #expect(!backend.unpin("0"))
        #expect(!backend.unpin("absent"))
        #expect(Self.put(backend, "c"))
        #expect(Self.put(backend, "d"))
        #expect(Set(backend.keys) == ["1", "c", "d"] || Set(backend.keys) == ["1", "b", "d"])
        #expect(backend.contains("1"))
    }

    @Test func `K51 keys come least recently used first and statistics follow`() throws {
        let backend = try Self.full(4)
        backend.getBlocking("1")?.release()
        #expect(backend.contains("0"))
        #expect(backend.keys == ["0", "2", "3", "1"])
        #expect(backend.containsRecordingUse("0"))
        #expect(backend.keys == ["2", "3", "1", "0"])
        #expect(backend.remove("3"))
        #expect(!backend.remove("3"))
        #expect(backend.keys == ["2", "1", "0"])
        let statistics = backend.statistics
        #expect(statistics.entryCount == 3)
        #expect(statistics.entryByteCount == 3 * 4_096)
        #expect(statistics.payloadByteCount == 3 * 4_096)
        #expect(statistics.keyByteCount == 3)
        #expect(statistics.putCount == 4)
        #expect(statistics.hitCount == 1)
        #expect(statistics.missCount == 0)
    }

    @Test func `K52 without local_cpu nothing is stored and memory can still be had`() throws {
        let backend = try Self.backend(blockCount: 4, storesValues: false)
        let object = try #require(try backend.allocate(MemoryPoolTests.bytes(100)))
        #expect(backend.submitPutTask("a", object) == nil)
        #expect(!backend.contains("a"))
        #expect(object.referenceCount == 1)
    }

    @Test func `K53 values in use are skipped, and none is evicted when all are in use`() throws {
        let backend = try Self.full(3)
        let first = backend.getBlocking("0")
        #expect(Self.put(backend, "new"))
        #expect(Set(backend.keys) == ["0", "2", "new"])
        let others = [backend.getBlocking("2"), backend.getBlocking("new")]
        #expect(try backend.allocate(MemoryPoolTests.bytes(1)) == nil)
        #expect(backend.statistics.evictionCount == 1)
        #expect(backend.keys.count == 3)
        for object in others + [first] { object?.release() }
        #expect(try backend.allocate(MemoryPoolTests.bytes(3 * 4_096)) != nil)
    }

    @Test func `K54 no put task is ever open and nothing is prefetched`() throws {
        let backend = try Self.full(1)
        #expect(!backend.existsInPutTasks("0"))
        #expect(backend.submitPrefetchTask("0") == nil)
    }

    @Test(arguments: ["pinned", "in use", "reserved", "detached", "not evicting", "dummy"])
    func `nothing is evicted when it cannot succeed`(obstacle: String) throws {
        let backend = try Self.full(4, policy: obstacle == "dummy" ? .dummy : .lru)
        var held: [MemoryObject] = []
        switch obstacle {
        case "pinned": for key in ["1", "3"] as [StorageKey] { _ = backend.pin(key) }
        case "in use": held = ["0", "2"].compactMap { backend.getBlocking($0) }
        case "reserved":
            for key in ["1", "3"] as [StorageKey] { backend.remove(key) }
            held = try [1, 2].map { try backend.pool.allocate(MemoryPoolTests.bytes($0)) }
        case "detached":
            held = ["1", "3"].compactMap { backend.getBlocking($0) }
            for key in ["1", "3"] as [StorageKey] { backend.remove(key) }
        default: break
        }
        let keys = Set(backend.keys)
        let metadata = MemoryPoolTests.bytes(2 * 4_096)
        #expect(try backend.allocate(metadata, evicting: obstacle != "not evicting") == nil)
        #expect(Set(backend.keys) == keys)
        #expect(backend.statistics.evictionCount == 0)
        for object in held { object.release() }
    }

    @Test func `ten thousand blocks of 4 KiB fit to the byte and the next evicts just the oldest`() throws {
        let backend = try Self.full(10_000)
        #expect(backend.pool.capacityByteCount == 40_960_000)
        #expect(backend.statistics.evictionCount == 0)
        #expect(backend.keys.count == 10_000)
        #expect(backend.pool.usedByteCount == 40_960_000)
        #expect(Self.put(backend, "10000"))
        #expect(backend.statistics.evictionCount == 1)
        #expect(backend.statistics.evictedByteCount == 4_096)
        #expect(!backend.contains("0"))
        #expect(backend.keys.count == 10_000)
        #expect(backend.keys.first == "1")
    }

    @Test func `the most recent goes first under MRU`() throws {
        let backend = try Self.full(3, policy: .mru)
        #expect(Self.put(backend, "3"))
        #expect(Set(backend.keys) == ["0", "1", "3"])
    }

    @Test func `an object is stored under two keys as two values`() throws {
        let backend = try Self.backend(blockCount: 4)
        let object = try #require(try backend.allocate(MemoryPoolTests.bytes(3)))
        object.copy(from: ([1, 2, 3] as [UInt8]).rawSpan)
        #expect(backend.submitPutTask("a", object) != nil)
        #expect(backend.submitPutTask("b", object) != nil)
        #expect(object.referenceCount == 2)
        #expect(backend.remove("a"))
        #expect(backend.getBlocking("b").map { [UInt8](copying: $0.bytes) } == [1, 2, 3])
        #expect(backend.pool.usedBlockCount == 2)
    }

    @Test func `storing an object again under its key makes it the most recent`() throws {
        let backend = try Self.full(2)
        let object = try #require(backend.getBlocking("0"))
        backend.getBlocking("1")?.release()
        #expect(backend.submitPutTask("0", object) != nil)
        #expect(object.referenceCount == 2)
        object.release()
        #expect(backend.keys == ["1", "0"])
        #expect(backend.pool.usedBlockCount == 2)
    }

    @Test func `an object of another pool is copied in`() throws {
        let backend = try Self.backend(blockCount: 2)
        let other = try MemoryObjectTests.pool()
        let object = try other.allocate(MemoryPoolTests.buffer(5))
        object.copy(from: ([1, 2, 3, 4, 5] as [UInt8]).rawSpan)
        #expect(backend.submitPutTask("a", object) != nil)
        #expect(object.referenceCount == 1)
        object.release()
        #expect(backend.getBlocking("a").map { [UInt8](copying: $0.bytes) } == [1, 2, 3, 4, 5])
        #expect(other.bufferByteCount == 0)
        #expect(backend.pool.usedByteCount == 4_096)
    }

    @Test func `a refused put leaves the old value`() throws {
        let backend = try Self.full(2)
        let held = [backend.getBlocking("0"), backend.getBlocking("1")]
        let foreign = try MemoryObjectTests.pool().allocate(MemoryPoolTests.bytes(10))
        #expect(backend.submitPutTask("0", foreign) == nil)
        #expect(backend.keys.count == 2)
        for object in held { object?.release() }
    }

    @Test func `after close puts are refused and readers keep their bytes`() throws {
        let backend = try Self.full(3)
        let read = try #require(backend.getBlocking("1"))
        backend.close()
        backend.close()
        #expect(backend.keys.isEmpty)
        #expect(backend.getBlocking("0") == nil)
        #expect(!Self.put(backend, "new"))
        #expect(read.isValid)
        #expect(backend.pool.usedByteCount == 4_096)
        read.release()
        #expect(backend.pool.usedByteCount == 0)
    }

    @Test func `a backend that goes gives its memory back`() throws {
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: 1 << 20))
        do {
            let backend = LocalCPUBackend(pool: pool)
            #expect(Self.put(backend, "a"))
            #expect(pool.usedByteCount == 4_096)
        }
        #expect(pool.usedByteCount == 0)
    }
}
