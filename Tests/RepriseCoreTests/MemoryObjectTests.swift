import RepriseCore
import RepriseTesting
import Testing

/// Objects and their references (K1, K4, K6, K9, K11).
@Suite struct MemoryObjectTests {
    static func pool(byteCount: Int = 4 << 20) throws -> MemoryPool {
        try MemoryPool(MemoryPool.Configuration(byteCount: byteCount))
    }

    static let tensor = MemoryObjectMetadata(shape: [512, 10], dtype: .float32, format: .kv2LTD)

    @Test func `K1 an object has the shape, type and size that were asked for`() throws {
        let pool = try Self.pool()
        let object = try pool.allocate(Self.tensor)
        #expect(object.metadata == Self.tensor)
        #expect(object.metadata.shape.dimensions == [512, 10])
        #expect(object.byteCount == 20_480)
        #expect(object.physicalByteCount == 20_480)
        #expect(object.address == 0)
        #expect(object.isValid)
        #expect(pool.usedByteCount == 20_480)
        #expect(pool.consistencyCheck() == nil)
    }

    @Test func `a size that is no whole number of units counts as one`() throws {
        let pool = try Self.pool()
        let object = try pool.allocate(byteCount: 4_097, metadata: .plain(byteCount: 4_097))
        #expect(object.byteCount == 4_097)
        #expect(object.physicalByteCount == 8_192)
        #expect(pool.usedByteCount == 8_192)
    }

    @Test func `an object of no bytes takes one unit of its own`() throws {
        let pool = try Self.pool()
        let first = try pool.allocate(byteCount: 0, metadata: .plain(byteCount: 0))
        let second = try pool.allocate(byteCount: 0, metadata: .plain(byteCount: 0))
        #expect(first.byteCount == 0)
        #expect(first.bytes.byteCount == 0)
        #expect(first.address != second.address)
        #expect(pool.usedByteCount == 8_192)
        first.release()
        second.release()
        #expect(pool.usedByteCount == 0)
    }

    @Test func `K6 a change through one view is seen through another`() throws {
        let object = try Self.pool().allocate(Self.tensor)
        let other = object
        object.copy(from: ([7, 8, 9] as [UInt8]).rawSpan, at: 20_477)
        #expect(other.bytes.loadByte(at: 20_477) == 7)
        #expect(other.bytes.loadByte(at: 20_479) == 9)
        other.copy(from: ([1] as [UInt8]).rawSpan, at: 20_479)
        #expect(object.bytes.loadByte(at: 20_479) == 1)
    }

    @Test func `K11 references go from one to two to one to none`() throws {
        let pool = try Self.pool()
        let object = try pool.allocate(Self.tensor)
        #expect(object.referenceCount == 1)
        object.retain()
        #expect(object.referenceCount == 2)
        object.release()
        #expect(object.referenceCount == 1)
        #expect(pool.usedBlockCount == 1)
        object.release()
        #expect(object.referenceCount == 0)
        #expect(pool.usedBlockCount == 0)
        #expect(pool.usedByteCount == 0)
    }

    @Test func `K4 a freed object is invalid`() throws {
        let object = try Self.pool().allocate(Self.tensor)
        object.release()
        #expect(!object.isValid)
        #expect(object.byteCount == 0)
        #expect(object.physicalByteCount == 0)
        #expect(object.address == nil)
        #expect(object.metadata == Self.tensor)
    }

    @Test func `a pin keeps the bytes when the last reference has gone`() throws {
        let pool = try Self.pool()
        let object = try pool.allocate(Self.tensor)
        object.pin()
        object.pin()
        #expect(object.pinCount == 2)
        object.release()
        #expect(object.isValid)
        #expect(object.unpin())
        #expect(pool.usedByteCount == 20_480)
        #expect(object.unpin())
        #expect(!object.isValid)
        #expect(pool.usedByteCount == 0)
        #expect(!object.unpin())
    }

    @Test func `K9 a binary buffer is a byte array outside the arena`() throws {
        let pool = try Self.pool()
        let metadata = MemoryObjectMetadata(shape: [512, 0, 0, 0], dtype: nil, format: .binaryBuffer)
        let object = try pool.allocate(metadata)
        #expect(object.byteCount == 512)
        #expect(object.address == nil)
        #expect([UInt8](copying: object.bytes) == [UInt8](repeating: 0, count: 512))
        object.copy(from: [UInt8](repeating: 5, count: 512).rawSpan)
        #expect(object.bytes.loadByte(at: 511) == 5)
        #expect(pool.usedByteCount == 0)
        #expect(pool.bufferByteCount == 4_096)
        object.release()
        #expect(pool.bufferByteCount == 0)
    }

    @Test func `an object that is dropped without a release gives its memory back`() throws {
        let pool = try Self.pool()
        _ = try pool.allocate(Self.tensor)
        #expect(pool.usedByteCount == 0)
    }

    @Test func `an object keeps its pool's memory alive`() throws {
        let object = try Self.pool().allocate(Self.tensor)
        object.copy(from: ([3] as [UInt8]).rawSpan, at: 5)
        #expect(object.bytes.loadByte(at: 5) == 3)
    }
}
