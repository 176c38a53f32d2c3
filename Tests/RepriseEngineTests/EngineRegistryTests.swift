import RepriseCore
import RepriseEngine
import RepriseHashing
import RepriseTesting
import Testing

/// K90: engines by name.
@Suite struct EngineRegistryTests {
    typealias Registry = EngineRegistry<PagedHostMemory, Int>

    private static func make() throws -> CacheEngine<PagedHostMemory> {
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: 2 << 20))
        let scope = try KeyScope(form: .current(dtype: .float16), modelName: "m", worldSize: 1, workerID: 0)
        return CacheEngine(
            tokens: try ChunkedTokenDatabase(scope: scope, algorithm: .sha256UInt32),
            storage: StorageManager(memory: LocalCPUBackend(pool: pool)),
            connector: try PagedHostMemory(layerCount: 1, slotCount: 16, rowElementCount: 8, dtype: .float16)
        )
    }

    @Test func `one name and configuration is one engine`() throws {
        let registry = Registry()
        let engine = try registry.engine(named: "a", 1, make: Self.make)
        #expect(try registry.engine(named: "a", 1, make: Self.make) === engine)
        #expect(registry.engine(named: "a") === engine)
        #expect(try registry.engine(named: "b", 1, make: Self.make) !== engine)
        #expect(Set(registry.names) == ["a", "b"])
    }

    @Test func `another configuration is an error, until the engine is destroyed`() throws {
        let registry = Registry()
        let engine = try registry.engine(named: "a", 1, make: Self.make)
        #expect(throws: Registry.Failure.configurationDiffers(name: "a")) {
            try registry.engine(named: "a", 2, make: Self.make)
        }
        #expect(registry.destroy(named: "a"))
        #expect(!registry.destroy(named: "a"))
        #expect(registry.engine(named: "a") == nil)
        #expect(try registry.engine(named: "a", 2, make: Self.make) !== engine)
    }

    @Test func `an engine that cannot be made leaves no name behind`() throws {
        struct Reason: Error {}
        let registry = Registry()
        #expect(throws: Reason.self) { try registry.engine(named: "a", 1) { throw Reason() } }
        #expect(registry.names.isEmpty && registry.engine(named: "a") == nil)
        _ = try registry.engine(named: "a", 2, make: Self.make)
    }

    @Test func `threads that ask at once get one engine`() throws {
        let registry = Registry()
        let madeCount = Lock(0)
        let engines = Threads.map(8) { _ in
            try? registry.engine(named: "a", 1) {
                madeCount.withLock { $0 += 1 }
                Thread.sleep(milliseconds: 20)
                return try Self.make()
            }
        }
        #expect(madeCount.withLock { $0 } == 1)
        #expect(Set(engines.compactMap { $0.map(ObjectIdentifier.init) }).count == 1)
        #expect(engines.allSatisfy { $0 != nil })
    }
}
