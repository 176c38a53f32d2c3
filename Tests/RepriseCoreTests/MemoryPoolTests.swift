import RepriseTesting
import Testing

@testable import RepriseCore

/// LMCache's memory suite (K2 to K12) on a pool.
@Suite struct MemoryPoolTests {
    static func pool(byteCount: Int, bufferByteCountMax: Int? = nil) throws -> MemoryPool {
        var configuration = MemoryPool.Configuration(byteCount: byteCount)
        if let bufferByteCountMax { configuration.bufferByteCountMax = bufferByteCountMax }
        return try MemoryPool(configuration)
    }

    static func bytes(_ count: Int) -> MemoryObjectMetadata {
        MemoryObjectMetadata(shape: [count], dtype: .uint8, format: .binary)
    }

    static func buffer(_ count: Int) -> MemoryObjectMetadata {
        MemoryObjectMetadata(shape: [count, 0, 0, 0], dtype: nil, format: .binaryBuffer)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `K2 frees in any order end with everything free`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let pool = try Self.pool(byteCount: 4 << 20)
        var objects: [MemoryObject] = []
        while let object = try? pool.allocate(Self.bytes(.random(in: 1...90_000, using: &generator))) {
            objects.append(object)
        }
        for object in objects.shuffled(using: &generator) {
            pool.free(object)
            #expect(pool.consistencyCheck() == nil)
        }
        #expect(pool.usedByteCount == 0)
        #expect(try pool.allocate(Self.bytes(4 << 20)).address == 0)
    }

    @Test func `K3 freeing twice does nothing the second time`() throws {
        let pool = try Self.pool(byteCount: 1 << 20)
        let object = try pool.allocate(Self.bytes(5_000))
        let other = try pool.allocate(Self.bytes(5_000))
        pool.free(object)
        pool.free(object)
        #expect(other.isValid)
        #expect(pool.usedByteCount == 8_192)
        #expect(pool.consistencyCheck() == nil)
    }

    @Test func `K3 freeing an object that is only pinned does nothing`() throws {
        let pool = try Self.pool(byteCount: 1 << 20)
        let object = try pool.allocate(Self.bytes(5_000))
        object.pin()
        pool.free(object)
        pool.free(object)
        #expect(pool.usedByteCount == 8_192)
        #expect(object.unpin())
        #expect(pool.usedByteCount == 0)
    }

    @Test func `K5 a request larger than the pool fails and later ones succeed`() throws {
        let pool = try Self.pool(byteCount: 1 << 20)
        let error = #expect(throws: StorageError.self) { try pool.allocate(Self.bytes((1 << 20) + 1)) }
        #expect(error?.code == .tooLarge)
        #expect(pool.consistencyCheck() == nil)
        #expect(try pool.allocate(Self.bytes(100)).isValid)
    }

    @Test func `K7 an exact fill leaves nothing and a freed place is used again`() throws {
        let pool = try Self.pool(byteCount: 256 * 4_096)
        let objects = try (0..<64).map { _ in try pool.allocate(Self.bytes(16_384)) }
        #expect(pool.usedByteCount == pool.capacityByteCount)
        let error = #expect(throws: StorageError.self) { try pool.allocate(Self.bytes(1)) }
        #expect(error?.code == .outOfMemory)
        var replacements: [MemoryObject] = []
        for object in objects {
            let address = object.address
            pool.free(object)
            replacements.append(try pool.allocate(Self.bytes(16_384)))
            #expect(replacements.last?.address == address)
        }
        for object in replacements { pool.free(object) }
        #expect(pool.usedBlockCount == 0)
        #expect(try pool.allocate(Self.bytes(256 * 4_096)).address == 0)
    }

    @Test func `K8 a batch that fills the pool exactly is had and given back`() throws {
        let metadata = MemoryObjectMetadata(shape: [100, 2, 1_024], dtype: .bfloat16, format: .kvT2D)
        let pool = try Self.pool(byteCount: 32 * 409_600)
        let objects = try pool.allocate(metadata, count: 32)
        #expect(Set(objects.map(\.address)).count == 32)
        #expect(pool.usedByteCount == pool.capacityByteCount)
        for object in objects { pool.free(object) }
        #expect(pool.usedByteCount == 0)
        #expect(pool.consistencyCheck() == nil)
    }

    @Test func `K17 a batch is had whole or not at all`() throws {
        let pool = try Self.pool(byteCount: 10 * 4_096)
        let held = try pool.allocate(Self.bytes(8_192), count: 2)
        let error = #expect(throws: StorageError.self) { try pool.allocate(Self.bytes(4_096), count: 7) }
        #expect(error?.code == .outOfMemory)
        #expect(pool.usedByteCount == 4 * 4_096)
        #expect(try pool.allocate(Self.bytes(4_095), count: 6).count == 6)
        #expect(try pool.allocate(Self.bytes(4_096), count: 0).isEmpty)
        #expect(held.map(\.isValid) == [true, true])
    }

    @Test(arguments: [(-1, 1), (Int.min, 1), (1, 0), (3, 0)])
    func `K17 a batch of a negative count or of no bytes is refused`(count: Int, byteCount: Int) throws {
        let pool = try Self.pool(byteCount: 1 << 20)
        let error = #expect(throws: StorageError.self) {
            try pool.allocate(Self.bytes(byteCount), count: count)
        }
        #expect(error?.code == .invalidArgument)
        #expect(pool.usedByteCount == 0)
    }

    @Test func `K10 as many equal objects as fit are had, again and again`() throws {
        let pool = try Self.pool(byteCount: 64 * 12_288)
        for _ in 0..<3 {
            let pages = try pool.allocate(Self.bytes(12_000), count: 64)
            #expect(throws: StorageError.self) { try pool.allocate(Self.bytes(12_000)) }
            for page in pages { pool.free(page) }
        }
        #expect(pool.usedByteCount == 0)
    }

    @Test func `buffers are limited together and do not touch the arena`() throws {
        let pool = try Self.pool(byteCount: 1 << 20, bufferByteCountMax: 3 * 4_096)
        let first = try pool.allocate(Self.buffer(4_097))
        _ = try #require(throws: StorageError.self) { try pool.allocate(Self.buffer(4_097)) }
        let second = try pool.allocate(Self.buffer(4_096))
        let error = #expect(throws: StorageError.self) { try pool.allocate(Self.buffer(1)) }
        #expect(error?.code == .outOfMemory)
        #expect(pool.bufferByteCount == 3 * 4_096)
        #expect(pool.usedByteCount == 0)
        pool.free(first)
        #expect(try pool.allocate(Self.buffer(8_192)).byteCount == 8_192)
        pool.free(second)
        #expect(pool.bufferByteCount == 0)
    }

    @Test(arguments: [
        TensorShape(verbatim: [0, 0, 0, 0]), TensorShape(verbatim: [-1, 0, 0, 0]),
        TensorShape(verbatim: [.min, 1, 1, 1]),
    ]) func `a buffer without bytes is refused`(shape: TensorShape) throws {
        let pool = try Self.pool(byteCount: 1 << 20)
        let metadata = MemoryObjectMetadata(shape: shape, dtype: nil, format: .binaryBuffer)
        let error = #expect(throws: StorageError.self) { try pool.allocate(metadata) }
        #expect(error?.code == .invalidArgument)
    }

    @Test(arguments: [
        TensorShape([]), TensorShape([3, 0]), TensorShape(verbatim: [2, -3, 4, 1]),
        TensorShape(verbatim: [.max, .max, .max, .max]),
    ]) func `a tensor without bytes, or with more than can be counted, is refused`(shape: TensorShape) throws
    {
        let pool = try Self.pool(byteCount: 1 << 20)
        let metadata = MemoryObjectMetadata(shape: shape, dtype: .float32, format: .kv2LTD)
        let error = #expect(throws: StorageError.self) { try pool.allocate(metadata) }
        #expect(error?.code == .invalidArgument)
        #expect(pool.usedByteCount == 0)
    }

    @Test func `a layout without an element type has no bytes`() throws {
        let pool = try Self.pool(byteCount: 1 << 20)
        let metadata = MemoryObjectMetadata(shape: [4, 4], dtype: nil, format: .kv2LTD)
        #expect(throws: StorageError.self) { try pool.allocate(metadata) }
    }

    @Test(arguments: [Int.min, -1, 0, 4_095, (8 << 40), Int.max])
    func `a pool below one unit or beyond 8 TiB is refused`(byteCount: Int) {
        let error = #expect(throws: StorageError.self) { try Self.pool(byteCount: byteCount) }
        #expect(error?.code == .invalidArgument)
    }

    @Test(arguments: [(4_096, 4_096), (8_191, 4_096), ((2 << 20) + 4_097, (2 << 20) + 4_096)])
    func `a pool's capacity is whole units and can be used to the last`(asked: Int, given: Int) throws {
        let pool = try Self.pool(byteCount: asked)
        #expect(pool.capacityByteCount == given)
        let object = try pool.allocate(Self.bytes(given))
        object.copy(from: ([9] as [UInt8]).rawSpan, at: given - 1)
        #expect(object.bytes.loadByte(at: given - 1) == 9)
        #expect(pool.usedByteCount == given)
        #expect(pool.report.populatedByteCount == given)
    }
}
