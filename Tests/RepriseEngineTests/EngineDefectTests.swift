import RepriseCore
import RepriseHashing
import RepriseTesting
import Testing

@testable import RepriseEngine

/// Faults of LMCache's engine and storage manager, each shown not to happen here; docs/FROM_LMCACHE.md lists
/// them.
@Suite struct EngineDefectTests {
    private let harness: EngineHarness

    init() throws { harness = try EngineHarness() }

    private func object(_ storage: StorageManager, _ byte: UInt8) throws -> MemoryObject {
        let metadata = MemoryObjectMetadata(shape: [4, 2, 8], dtype: .float16, format: .kvT2D)
        let object = try #require(try storage.allocate(metadata))
        object.copy(from: [UInt8](repeating: byte, count: object.byteCount).rawSpan)
        return object
    }

    @Test func `a copy that fails leaks no reference`() throws {
        let slower = try CountingBackend()
        let engine = try harness.engine(slower: [slower])
        let tokens = TokenArray(harness.prompt(0..<1024))
        try engine.store(tokens, at: .slots(harness.slots(1024)))
        engine.storage.memory.removeAll()
        for _ in 0..<2 {
            let (harness, slots) = (harness, harness.slots(600))
            // The third chunk has no place; the first two are copied.
            let error = harness.blocking { () -> EngineError? in
                do throws(EngineError) {
                    _ = try engine.retrieve(tokens, to: .slots(slots))
                    return nil
                } catch {
                    return error
                }
            }
            guard case .storage(let reason) = error else {
                Issue.record("a retrieval without a place did not fail")
                return
            }
            #expect(reason.code == .invalidArgument)
        }
        engine.close()
        #expect(engine.storage.memory.pool.usedByteCount == 0)
        #expect(slower.inner.pool.usedByteCount == 0)
    }

    @Test func `clear acts on the backends that it names, whichever they are`() throws {
        let slower = try CountingBackend()
        let engine = try harness.engine(slower: [slower])
        let tokens = TokenArray(harness.prompt(0..<1024))
        try engine.store(tokens, at: .slots(harness.slots(1024)))
        #expect(try engine.clear(TokenArray(harness.prompt(0..<512)), from: ["Slower0"]) == 2)
        #expect(try engine.lookup(tokens, in: ["Slower0"]) == 0)
        #expect(try engine.lookup(tokens) == 1024)
        #expect(try engine.clear(from: ["Slower0"]) == 2)
        #expect(slower.keys.isEmpty)
        #expect(try engine.clear(from: ["another"]) == 0)
        #expect(try engine.lookup(tokens) == 1024)
        engine.close()
    }

    @Test func `a backend that refuses a put costs the others nothing`() throws {
        let backends = [try CountingBackend(), try CountingBackend()]
        let storage = try harness.engine(slower: backends).storage
        backends[0].refusePuts(true)
        let object = try object(storage, 1)
        #expect(storage.put("k", object) == 2)
        object.release()
        #expect(storage.memory.contains("k") && backends[1].inner.contains("k"))
        #expect(!backends[0].inner.contains("k"))
        storage.close()
    }

    @Test func `a get that meets a prefetch waits for it as long as it takes, and loads nothing itself`()
        throws
    {
        let slower = try CountingBackend()
        let storage = try harness.engine(slower: [slower]).storage
        let object = try object(storage, 7)
        #expect(slower.submitPutTask("k", object) != nil)
        object.release()
        slower.closeGate()
        let task = try #require(storage.prefetch("k"))
        while slower.loadCount == 0 { Thread.sleep(milliseconds: 1) }
        let opener = Thread(name: "opener") {
            // Long enough for the get to wait.
            Thread.sleep(milliseconds: 20)
            slower.openGate()
        }
        let bytes = harness.blocking { () -> [UInt8]? in
            guard let object = storage.get("k") else { return nil }
            defer { object.release() }
            return object.metadata.format == .kvT2D ? [UInt8](copying: object.bytes) : nil
        }
        opener.join()
        #expect(bytes == [UInt8](repeating: 7, count: 128))
        #expect(harness.blocking { task.wait() })
        #expect(slower.takeCalls().gets == 1)
        #expect(storage.memory.contains("k"))
        storage.close()
        #expect(storage.memory.pool.usedByteCount == 0)
    }

    @Test func `a prefetch that finds nothing ends, and the next one begins anew`() throws {
        let slower = try CountingBackend()
        let storage = try harness.engine(slower: [slower]).storage
        let object = try object(storage, 7)
        #expect(slower.submitPutTask("k", object) != nil)
        slower.closeGate()
        let lost = try #require(storage.prefetch("k"))
        while slower.loadCount == 0 { Thread.sleep(milliseconds: 1) }
        #expect(slower.remove("k"))
        slower.openGate()
        let isFound = harness.blocking { lost.wait() }
        #expect(!isFound)
        #expect(storage.prefetch("k") == nil)
        #expect(slower.submitPutTask("k", object) != nil)
        object.release()
        let found = try #require(storage.prefetch("k"))
        #expect(harness.blocking { found.wait() })
        #expect(storage.isIdle)
        storage.close()
        #expect(storage.memory.pool.usedByteCount == 0)
    }

    @Test func `engines that store one prompt at once store each chunk whole`() throws {
        let slower = try CountingBackend()
        let engine = try harness.engine(slower: [slower])
        let tokens = TokenArray(harness.prompt(0..<1024))
        let from = harness.slots(1024)
        harness.fill(from)
        let reports = Threads.map(4) { _ in try? engine.store(tokens, at: .slots(from)) }
        #expect(
            reports.allSatisfy { report in
                report.map { $0.storedTokenCount + $0.presentTokenCount == 1024 && !$0.hasRunOut } ?? false
            }
        )
        #expect(engine.storage.memory.keys.count == 4 && slower.keys.count == 4)
        let to = harness.slots(1024, from: 4096, 2)
        #expect(try harness.retrieve(engine, harness.prompt(0..<1024), to: to) == 1024)
        #expect(harness.goodCount(to) == 1024)
        #expect(engine.storage.memory.pool.usedByteCount == 4 * 2 * 2 * 256 * 16)
        engine.close()
    }

    @Test func `a prompt of no tokens has none that are stored`() throws {
        let engine = try harness.engine()
        let empty = TokenArray([UInt32]())
        #expect(try engine.lookup(empty, pinningAs: "request") == 0)
        #expect(try engine.store(empty, at: .slots([])) == StoreReport())
        #expect(try engine.retrieve(empty, to: .slots([])) == [])
        #expect(try engine.presence(empty) == [])
        #expect(try engine.prefetch(empty) == 0)
        #expect(try engine.clear(empty) == 0)
        engine.close()
    }
}
