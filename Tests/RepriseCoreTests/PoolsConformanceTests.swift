import RepriseTesting
import Testing

@testable import RepriseCore

/// What all pools of chunks have in common.
@Suite struct PoolsConformanceTests {
    static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    @Test(arguments: PoolKind.allCases)
    func `a new pool starts with its last chunk and goes down`(kind: PoolKind) throws {
        let pool = try kind.makePool(.small(chunkCount: 4))
        let objects = try (0..<4).compactMap { _ in try pool.allocate(tokenCount: 5) }
        #expect(objects.map(\.slot) == [3, 2, 1, 0])
        #expect(pool.freeChunkCount == 0)
    }

    @Test(arguments: PoolKind.allCases)
    func `the chunk freed last is allocated first`(kind: PoolKind) throws {
        let pool = try kind.makePool(.small(chunkCount: 4))
        let objects = try (0..<4).compactMap { _ in try pool.allocate(tokenCount: 5) }
        for slot in [2, 0, 3] { #expect(pool.free(objects[3 - slot])) }
        let again = try (0..<3).compactMap { _ in try pool.allocate(tokenCount: 1) }
        #expect(again.map(\.slot) == [3, 0, 2])
    }

    @Test(arguments: PoolKind.allCases)
    func `an empty pool gives nil until a chunk is freed`(kind: PoolKind) throws {
        let pool = try kind.makePool(.small(chunkCount: 2))
        let objects = try (0..<2).compactMap { _ in try pool.allocate(tokenCount: 5) }
        #expect(objects.count == 2)
        #expect(try pool.allocate(tokenCount: 5) == nil)
        #expect(try pool.allocate(tokenCount: 5) == nil)
        #expect(pool.free(objects[0]))
        #expect(pool.freeChunkCount == 1)
        let again = try #require(try pool.allocate(tokenCount: 5))
        #expect(again.slot == 1)
    }

    @Test(arguments: PoolKind.allCases)
    func `a second free is refused, also when the chunk is in use again`(kind: PoolKind) throws {
        let pool = try kind.makePool(.small(chunkCount: 3))
        let first = try #require(try pool.allocate(tokenCount: 5))
        #expect(pool.free(first))
        #expect(!pool.free(first))
        #expect(pool.freeChunkCount == 3)
        let second = try #require(try pool.allocate(tokenCount: 5))
        #expect(second.slot == first.slot)
        #expect(!pool.free(first))
        #expect(pool.freeChunkCount == 2)
        try second.write([UInt8](repeating: 7, count: 360).rawSpan)
    }

    @Test(arguments: PoolKind.allCases)
    func `an object of another pool is refused`(kind: PoolKind) throws {
        let pool = try kind.makePool(.small(chunkCount: 2))
        let other = try kind.makePool(.small(chunkCount: 2))
        let object = try #require(try other.allocate(tokenCount: 5))
        let own = try #require(try pool.allocate(tokenCount: 5))
        #expect(own.slot == object.slot)
        #expect(!pool.free(object))
        #expect(pool.freeChunkCount == 1)
        #expect(other.freeChunkCount == 1)
    }

    @Test(arguments: PoolKind.allCases)
    func `an object that nobody refers to gives its chunk back once`(kind: PoolKind) throws {
        let pool = try kind.makePool(.small(chunkCount: 2))
        for isFreedFirst in [false, true] {
            do {
                let object = try #require(try pool.allocate(tokenCount: 5))
                #expect(pool.freeChunkCount == 1)
                if isFreedFirst { pool.free(object) }
            }
            #expect(pool.freeChunkCount == 2)
        }
    }

    @Test(arguments: PoolKind.allCases, [Int.min, -1, 0, 6, .max])
    func `token counts that no chunk has are refused`(kind: PoolKind, tokenCount: Int) throws {
        let pool = try kind.makePool(.small(chunkCount: 2))
        #expect { try pool.allocate(tokenCount: tokenCount) } throws: {
            ($0 as? StorageError)?.code == .invalidArgument
        }
        #expect(pool.freeChunkCount == 2)
    }

    @Test(arguments: PoolKind.allCases, 1...5)
    func `a partial chunk counts in full and lies in rows`(kind: PoolKind, tokenCount: Int) throws {
        let pool = try kind.makePool(.small(chunkCount: 2))
        let object = try #require(try pool.allocate(tokenCount: tokenCount))
        #expect(object.byteCount == 360)
        #expect(object.dataByteCount == 72 * tokenCount)
        #expect(object.shape == [3, 2, tokenCount, 2, 3])
        #expect(object.rowCount == 6)
        #expect(object.rowByteCount == 12 * tokenCount)
        #expect(object.rowStride == 60)
        #expect(object.isContiguous == (tokenCount == 5))
    }

    @Test(arguments: PoolKind.allCases, 1...5)
    func `a partial chunk covers the first tokens of each row`(kind: PoolKind, tokenCount: Int) throws {
        let pool = try kind.makePool(.small(chunkCount: 3))
        let before = Self.bytes(360, seed: 1)
        let after = Self.bytes(72 * tokenCount, seed: 2)
        let neighbours = try (0..<2).compactMap { _ in try pool.allocate(tokenCount: 5) }
        for object in neighbours { try object.write(before.rawSpan) }
        pool.free(neighbours[0])
        do {
            let object = try #require(try pool.allocate(tokenCount: tokenCount))
            try object.write(after.rawSpan)
            #expect(try object.readBytes() == after)
        }
        var expected = before
        for row in 0..<6 {
            let width = 12 * tokenCount
            expected.replaceSubrange(
                row * 60..<row * 60 + width,
                with: after[row * width..<(row + 1) * width]
            )
        }
        let whole = try #require(try pool.allocate(tokenCount: 5))
        #expect(whole.slot == neighbours[0].slot)
        #expect(try whole.readBytes() == expected)
        #expect(try neighbours[1].readBytes() == before)
    }

    @Test(arguments: PoolKind.allCases, [0, 143, 145, 360])
    func `another number of bytes is refused`(kind: PoolKind, byteCount: Int) throws {
        let pool = try kind.makePool(.small(chunkCount: 1))
        let object = try #require(try pool.allocate(tokenCount: 2))
        #expect { try object.write([UInt8](repeating: 1, count: byteCount).rawSpan) } throws: {
            ($0 as? StorageError)?.code == .invalidArgument
        }
    }

    @Test(arguments: PoolKind.allCases)
    func `a freed object has no bytes`(kind: PoolKind) throws {
        let pool = try kind.makePool(.small(chunkCount: 1))
        let object = try #require(try pool.allocate(tokenCount: 2))
        pool.free(object)
        let next = try #require(try pool.allocate(tokenCount: 2))
        try next.write([UInt8](repeating: 4, count: 144).rawSpan)
        #expect { try object.readBytes() } throws: { ($0 as? StorageError)?.code == .invalidArgument }
        #expect { try object.write([UInt8](repeating: 1, count: 144).rawSpan) } throws: {
            ($0 as? StorageError)?.code == .invalidArgument
        }
        #expect(try next.readBytes() == [UInt8](repeating: 4, count: 144))
    }

    @Test(arguments: PoolKind.allCases)
    func `fifty threads never share a chunk`(kind: PoolKind) throws {
        let pool = try kind.makePool(.small(chunkCount: 20))
        let failures = Lock<[String]>([])
        let successCount = Lock(0)
        let threads = (0..<50).map { number in
            Thread(name: "pool-\(number)") {
                for round in 0..<100 {
                    do {
                        guard let object = try pool.allocate(tokenCount: 1 + round % 5) else { continue }
                        let bytes = [UInt8](repeating: UInt8(number), count: object.dataByteCount)
                        try object.write(bytes.rawSpan)
                        let isOwn = try object.readBytes() == bytes
                        let isFreed = round % 2 == 0 || pool.free(object)
                        if isOwn && isFreed {
                            successCount.withLock { $0 += 1 }
                        } else {
                            failures.withLock { $0.append("chunk \(object.slot) of thread \(number)") }
                        }
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(failures.withLock { $0 } == [])
        #expect(successCount.withLock { $0 } > 0)
        #expect(pool.freeChunkCount == 20)
        let slots = try (0..<20).compactMap { _ in try pool.allocate(tokenCount: 1) }.map(\.slot)
        #expect(Set(slots).count == 20)
    }
}
