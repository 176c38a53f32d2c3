import RepriseCore
import RepriseTesting
import Testing

@Suite struct LocalCPUBackendConformanceTests {
    static let conformance = BackendConformance(
        isInMemory: true,
        makeBackend: {
            let byteCount = BackendConformance.roomByteCount
            return LocalCPUBackend(pool: try MemoryPool(MemoryPool.Configuration(byteCount: byteCount)))
        },
        makeObject: { backend, byteCount in
            let metadata = MemoryObjectMetadata(shape: [byteCount], dtype: .uint8, format: .binary)
            return try? (backend as? LocalCPUBackend)?.allocate(metadata)
        }
    )

    @Test(arguments: BackendConformance.Check.allCases)
    func `the CPU backend does what every backend has to do`(check: BackendConformance.Check) {
        #expect(Self.conformance.violations(of: check) == [])
    }

    @Test(arguments: BackendConformance.Check.allCases)
    func `a CPU backend that copies foreign objects does too`(check: BackendConformance.Check) throws {
        guard check != .countsReferences else { return }
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: 16 << 20))
        let conformance = BackendConformance(
            isInMemory: true,
            makeBackend: Self.conformance.makeBackend,
            makeObject: { _, byteCount in
                try? pool.allocate(MemoryObjectMetadata(shape: [byteCount], dtype: .uint8, format: .binary))
            }
        )
        #expect(conformance.violations(of: check) == [])
        #expect(pool.usedByteCount == 0)
    }
}
