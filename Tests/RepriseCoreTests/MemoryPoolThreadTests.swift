import RepriseTesting
import Testing

@testable import RepriseCore

/// K18b: pools under many threads.
@Suite struct MemoryPoolThreadTests {
    static func pool(unitCount: Int) throws -> MemoryPool {
        try MemoryPool(MemoryPool.Configuration(byteCount: unitCount * 4_096))
    }

    /// Whether no two objects share a byte.
    static func areDisjoint(_ objects: [MemoryObject]) -> Bool {
        let places = objects.map { (start: $0.address ?? -1, end: ($0.address ?? -1) + $0.physicalByteCount) }
            .sorted { $0.start < $1.start }
        return zip(places, places.dropFirst()).allSatisfy { $0.end <= $1.start }
    }

    static func allocate(_ pool: MemoryPool, _ byteCount: Int) -> MemoryObject? {
        try? pool.allocate(byteCount: byteCount, metadata: .plain(byteCount: byteCount))
    }

    @Test func `fifty threads allocate ten blocks each without overlap`() throws {
        let pool = try Self.pool(unitCount: 500 * 3)
        let objects = Threads.map(50) { _ in
            (0..<10).compactMap { _ in Self.allocate(pool, 3 * 4_096) }
        }.flatMap { $0 }
        #expect(objects.count == 500)
        #expect(Self.areDisjoint(objects))
        #expect(pool.usedByteCount == pool.capacityByteCount)
        #expect(pool.consistencyCheck() == nil)
    }

    @Test func `ten threads free a hundred blocks each`() throws {
        let pool = try Self.pool(unitCount: 1_000)
        let objects = try pool.allocate(MemoryPoolTests.bytes(4_096), count: 1_000)
        Threads.run(10) { number in
            for index in stride(from: number, to: 1_000, by: 10) { objects[index].release() }
        }
        #expect(pool.usedByteCount == 0)
        #expect(pool.consistencyCheck() == nil)
        #expect(Self.allocate(pool, 1_000 * 4_096)?.address == 0)
    }

    @Test func `five threads allocate while five others free`() throws {
        let pool = try Self.pool(unitCount: 1_000)
        let handedOver = Lock<[MemoryObject]>([])
        Threads.run(10) { number in
            for step in 0..<100 {
                if number < 5 {
                    guard let object = Self.allocate(pool, (step % 5 + 1) * 4_096) else { continue }
                    handedOver.withLock { $0.append(object) }
                } else {
                    handedOver.withLock { $0.popLast() }?.release()
                }
            }
        }
        let rest = handedOver.withLock { $0 }
        #expect(Self.areDisjoint(rest))
        #expect(pool.usedByteCount == rest.reduce(0) { $0 + $1.physicalByteCount })
        #expect(pool.consistencyCheck() == nil)
        for object in rest { object.release() }
        #expect(pool.usedByteCount == 0)
    }

    @Test func `twenty threads mix fifty allocations, batches and frees each`() throws {
        let pool = try Self.pool(unitCount: 2_000)
        let held = Threads.map(20) { number in
            var generator = SeededGenerator(seed: UInt64(number))
            var objects: [MemoryObject] = []
            for _ in 0..<50 {
                switch generator.next() % 4 {
                case 0:
                    objects += (try? pool.allocate(MemoryPoolTests.bytes(5_000), count: 10)) ?? []
                case 1:
                    if let object = Self.allocate(pool, Int(generator.next() % 20) * 4_096) {
                        objects.append(object)
                    }
                default: objects.popLast()?.release()
                }
            }
            return objects
        }.flatMap { $0 }
        #expect(Self.areDisjoint(held))
        #expect(pool.usedByteCount == held.reduce(0) { $0 + $1.physicalByteCount })
        #expect(pool.consistencyCheck() == nil)
        for object in held { object.release() }
        #expect(pool.usedByteCount == 0)
    }

    @Test func `references counted from many threads end at none`() throws {
        let pool = try Self.pool(unitCount: 10)
        let object = try #require(Self.allocate(pool, 4_096))
        Threads.run(8) { _ in
            for _ in 0..<2_000 {
                object.retain()
                object.pin()
                object.release()
                object.unpin()
            }
        }
        #expect(object.referenceCount == 1)
        #expect(object.pinCount == 0)
        #expect(pool.usedBlockCount == 1)
        object.release()
        #expect(pool.usedBlockCount == 0)
    }
}
