import RepriseTesting
import Testing

@testable import RepriseCore

/// Pools whose arena is populated in the background while it is already used.
@Suite struct MemoryPoolPopulationTests {
    static func pool(byteCount: Int, populatedFirst: Int) throws -> MemoryPool {
        var configuration = MemoryPool.Configuration(byteCount: byteCount)
        configuration.byteCountPopulatedFirst = populatedFirst
        return try MemoryPool(configuration)
    }

    @Test(arguments: 0..<10)
    func `several threads take a half-populated pool to the last byte`(round: Int) throws {
        let pool = try Self.pool(byteCount: 64 << 20, populatedFirst: 4 << 20)
        let blockByteCount = 64 << 10
        let objects = Threads.map(8) { _ in
            (0..<128).compactMap { _ in MemoryPoolThreadTests.allocate(pool, blockByteCount) }
        }.flatMap { $0 }
        #expect(objects.count == 1_024)
        #expect(pool.usedByteCount == 64 << 20)
        #expect(MemoryPoolThreadTests.areDisjoint(objects))
        #expect(pool.report.populatedByteCount == 64 << 20)
        // The flag that says so may follow the last bytes by a moment, and must come.
        for _ in 0..<10_000 where !pool.isPopulated { pool.populateMore() }
        #expect(pool.isPopulated)
        #expect(pool.consistencyCheck() == nil)
    }

    @Test(arguments: 0..<10)
    func `a backend fills a half-populated pool before it evicts`(round: Int) throws {
        let pool = try Self.pool(byteCount: 32 << 20, populatedFirst: 2 << 20)
        let backend = LocalCPUBackend(pool: pool)
        let blockByteCount = 32 << 10
        let storedCounts = Threads.map(4) { thread in
            (0..<256).count { number in
                let metadata = MemoryPoolTests.bytes(blockByteCount)
                guard let object = try? backend.allocate(metadata) else { return false }
                defer { object.release() }
                return backend.submitPutTask(StorageKey("\(thread)-\(number)"), object) != nil
            }
        }
        #expect(storedCounts == [256, 256, 256, 256])
        #expect(backend.statistics.evictionCount == 0)
        #expect(backend.statistics.entryByteCount == 32 << 20)
        #expect(pool.consistencyCheck() == nil)
    }

    @Test(arguments: 0..<10)
    func `reservations that evict do not wait for population for ever`(round: Int) throws {
        let pool = try Self.pool(byteCount: 16 << 20, populatedFirst: 2 << 20)
        let backend = LocalCPUBackend(pool: pool)
        Threads.run(4) { thread in
            for number in 0..<200 {
                let metadata = MemoryPoolTests.bytes(128 << 10)
                let outcome = backend.reserve(byteCount: 128 << 10, metadata: metadata) {}
                if case .reserved(let reservation) = outcome {
                    _ = reservation.commit(StorageKey("\(thread)-\(number)"))
                }
            }
        }
        #expect(backend.statistics.entryByteCount == 16 << 20)
        #expect(backend.statistics.entryCount == 128)
        #expect(pool.consistencyCheck() == nil)
    }

    @Test func `a request longer than what is populated waits for the rest`() throws {
        let pool = try Self.pool(byteCount: 32 << 20, populatedFirst: 0)
        let object = try #require(MemoryPoolThreadTests.allocate(pool, 32 << 20))
        #expect(object.address == 0)
        #expect(pool.usedByteCount == 32 << 20)
    }

    @Test func `a pool may go while its arena is still being populated`() throws {
        for _ in 0..<20 { _ = try Self.pool(byteCount: 16 << 20, populatedFirst: 0) }
    }

    @Test func `no more of an arena is populated once its pool is gone`() throws {
        let arena = try Self.pool(byteCount: 1 << 30, populatedFirst: 0).arena
        #expect(!arena.populateNextStep { _ in })
    }
}
