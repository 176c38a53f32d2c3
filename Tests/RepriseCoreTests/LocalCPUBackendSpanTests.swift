import RepriseTesting
import Testing

@testable import RepriseCore

/// Eviction of values of mixed sizes, around the oldest entry.
@Suite struct LocalCPUBackendSpanTests {
    /// A backend that is filled with values of the given lengths, in address order, oldest first.
    static func backend(_ unitCounts: [Int]) throws -> LocalCPUBackend {
        let backend = try LocalCPUBackendTests.backend(blockCount: unitCounts.reduce(0, +))
        for (number, count) in unitCounts.enumerated() {
            #expect(LocalCPUBackendTests.put(backend, StorageKey("\(number)"), unitCount: count))
        }
        return backend
    }

    static func use(_ backend: LocalCPUBackend, _ keys: [StorageKey]) {
        for key in keys { backend.getBlocking(key)?.release() }
    }

    @Test func `neighbours of the oldest entry go with it`() throws {
        let backend = try Self.backend([1, 1, 1, 1, 1, 1])
        // 3 is the oldest; of its neighbours, 2 was used longer ago than 4.
        Self.use(backend, ["2", "4", "0", "1", "5"])
        #expect(LocalCPUBackendTests.put(backend, "new", unitCount: 2))
        #expect(Set(backend.keys) == ["0", "1", "4", "5", "new"])
        #expect(backend.statistics.evictionCount == 2)
        #expect(backend.pool.consistencyCheck() == nil)
    }

    @Test func `holes beside the oldest entry are used first`() throws {
        let backend = try Self.backend([1, 1, 1, 1])
        backend.remove("2")
        // 1 is the oldest, the hole lies behind it, and 0 in front.
        Self.use(backend, ["0", "3"])
        #expect(LocalCPUBackendTests.put(backend, "new", unitCount: 2))
        #expect(backend.keys == ["0", "3", "new"])
        #expect(backend.statistics.evictionCount == 1)
    }

    @Test func `an entry longer than the request goes alone and its rest is free`() throws {
        let backend = try Self.backend([5, 1, 1])
        #expect(LocalCPUBackendTests.put(backend, "new", unitCount: 2))
        #expect(backend.keys == ["1", "2", "new"])
        #expect(backend.pool.usedByteCount == 4 * 4_096)
        #expect(try backend.allocate(MemoryPoolTests.bytes(3 * 4_096), evicting: false) != nil)
    }

    @Test(arguments: ["pinned", "in use", "removed", "reserved"])
    func `walls turn the search to the next entry`(wall: String) throws {
        // Between walls at 1 and 3, entry 2 has room for one unit only; 4 and 5 have room for two.
        let backend = try Self.backend([1, 1, 1, 1, 1, 1])
        var held: [MemoryObject] = []
        for key in ["1", "3"] as [StorageKey] {
            switch wall {
            case "pinned": _ = backend.pin(key)
            case "in use": held += [backend.getBlocking(key)].compactMap { $0 }
            case "removed":
                held += [backend.getBlocking(key)].compactMap { $0 }
                backend.remove(key)
            default:
                backend.remove(key)
                held += [try backend.allocate(MemoryPoolTests.bytes(1))].compactMap { $0 }
            }
        }
        #expect(LocalCPUBackendTests.put(backend, "new", unitCount: 2))
        #expect(backend.contains("0") && backend.contains("2"))
        #expect(!backend.contains("4") && !backend.contains("5"))
        #expect(try backend.allocate(MemoryPoolTests.bytes(3 * 4_096)) == nil)
        #expect(backend.statistics.evictionCount == 2)
        for object in held { object.release() }
        #expect(backend.pool.consistencyCheck() == nil)
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `what is evicted stays within the request and its edges`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let backend = try LocalCPUBackendTests.backend(blockCount: 400)
        var sizes: [StorageKey: Int] = [:]
        var held: [MemoryObject] = []
        var violation: String?
        for step in 0..<1_500 where violation == nil {
            let key = StorageKey("\(generator.next() % 120)")
            let request = Int(generator.next() % 30) + 1
            let before = Set(backend.keys)
            let isStored = LocalCPUBackendTests.put(backend, key, unitCount: request)
            let after = Set(backend.keys)
            let victims = before.subtracting(after).map { sizes[$0] ?? 0 }
            let bytes = victims.reduce(0, +)
            if victims.count > 1, bytes > request - 1 + 2 * (victims.max() ?? 0) {
                violation = "step \(step): \(victims) units evicted for \(request)"
            }
            if !isStored, before != after { violation = "step \(step): evicted in vain" }
            if isStored { sizes[key] = request }
            if generator.next() % 4 == 0, let object = backend.getBlocking(key) { held.append(object) }
            if held.count > 6 { held.remove(at: Int(generator.next() % 7)).release() }
            let stored = after.reduce(0) { $0 + (sizes[$1] ?? 0) }
            if backend.statistics.entryByteCount != stored * 4_096 {
                violation = "step \(step): bytes are wrong"
            }
            if step % 50 == 0 { violation = violation ?? backend.pool.consistencyCheck() }
        }
        #expect(violation == nil, "seed \(seed)")
        #expect(backend.statistics.evictionCount > 100)
        backend.close()
        for object in held { object.release() }
        #expect(backend.pool.usedByteCount == 0)
    }
}
