import RepriseCore
import Testing

struct LocalCPUBackendPinTests {
    private static let unitByteCount = 4096
    private let pool: MemoryPool
    private let backend: LocalCPUBackend

    init() throws {
        pool = try MemoryPool(MemoryPool.Configuration(byteCount: 4 * Self.unitByteCount))
        backend = LocalCPUBackend(pool: pool)
    }

    private func put(_ key: StorageKey) throws {
        let metadata = MemoryObjectMetadata.plain(byteCount: Self.unitByteCount)
        let object = try #require(
            try backend.allocate(
                MemoryObjectMetadata(shape: [Self.unitByteCount], dtype: .uint8, format: .binary)
            ),
            "no room for \(metadata)"
        )
        #expect(backend.submitPutTask(key, object) != nil)
        object.release()
    }

    @Test func `a pin passes to the value that replaces the key's`() throws {
        try put("a")
        #expect(backend.pin("a"))
        try put("a")
        for index in 0..<8 { try put(StorageKey("other\(index)")) }
        #expect(backend.contains("a"))
        #expect(backend.unpin("a"))
        #expect(!backend.unpin("a"))
        for index in 0..<8 { try put(StorageKey("another\(index)")) }
        #expect(!backend.contains("a"))
    }

    @Test func `a removed key's pin keeps no memory`() throws {
        try put("a")
        #expect(backend.pin("a"))
        #expect(backend.remove("a"))
        #expect(pool.usedByteCount == 0)
        #expect(!backend.unpin("a"))
    }

    @Test func `a replaced value's memory returns although its key is pinned`() throws {
        try put("a")
        #expect(backend.batchedContains(["a"], pinning: true) == 1)
        try put("a")
        #expect(pool.usedByteCount == Self.unitByteCount)
        #expect(backend.unpin("a"))
    }

    @Test func `pins of one key are counted`() throws {
        try put("a")
        #expect(backend.pin("a") && backend.pin("a"))
        #expect(backend.unpin("a"))
        for index in 0..<8 { try put(StorageKey("other\(index)")) }
        #expect(backend.contains("a"))
    }

    @Test func `a key longer than the limit is refused`() throws {
        let key = StorageKey([UInt8](repeating: 65, count: backend.limits.keyByteCountMax + 1))
        let metadata = MemoryObjectMetadata(shape: [16], dtype: .uint8, format: .binary)
        let object = try #require(try backend.allocate(metadata))
        #expect(backend.submitPutTask(key, object) == nil)
        object.release()
        #expect(pool.usedByteCount == 0)
    }
}
