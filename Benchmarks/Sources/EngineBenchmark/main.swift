// Measures the engine over memory, in process, on one thread: a prompt of 32,000 tokens of a Llama-3-8B is
// stored from a paged cache and retrieved into it, beside memcpy of as many bytes between the same kinds of
// memory; 512 chunks are looked up; and hits in memory are counted while the store behind does not work.
//
// Run with: swift run -c release EngineBenchmark [rounds] [layers]
import Glibc
import RepriseCore
import RepriseEngine
import RepriseHashing

let roundCount = max(5, CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 9)
// Of the model's 32: cache, arena and the peer's bytes take 64 KiB a token each.
let layerCount = max(1, CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 16)
let (tokenCount, chunkSize, rowElementCount) = (32_000, 256, 1024)
let lookupKeyCount = 512

/// Processor time of this thread: what others do on a shared machine counts only through its caches.
func threadSeconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = threadSeconds()
    try body()
    return threadSeconds() - start
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func text(_ value: Double) -> String { ((value * 100).rounded() / 100).description }

func spread(_ values: [Double]) -> String {
    "median \(text(median(values)))  min \(text(values.min() ?? 0))  max \(text(values.max() ?? 0))"
}

/// Prints a bar's verdict and returns it.
func judge(_ name: String, _ value: Double, isMet: Bool, _ bar: String) -> Bool {
    print("\(name): \(text(value))  bar \(bar): \(isMet ? "met" : "MISSED")")
    return isMet
}

/// The blocks of 16 slots that a prompt has, in an order that does not follow.
func scatteredBlocks() -> BlockTable {
    var state: UInt64 = 1
    var blocks = Array(0..<tokenCount / 16)
    for index in stride(from: blocks.count - 1, to: 0, by: -1) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        blocks.swapAt(index, Int(state >> 33) % (index + 1))
    }
    return BlockTable(blockSize: 16, blocks: blocks)
}

/// memcpy of a prompt's bytes into an arena and back, chunk by chunk.
@safe
struct Plain {
    private let bytes: UnsafeMutableRawPointer
    let objects: [MemoryObject]
    let chunkByteCount: Int

    init(_ memory: LocalCPUBackend, byteCount: Int, chunkByteCount: Int) throws {
        self.chunkByteCount = chunkByteCount
        unsafe bytes = .allocate(byteCount: byteCount, alignment: 4096)
        unsafe memset(bytes, 1, byteCount)
        let metadata = MemoryObjectMetadata(shape: [chunkByteCount], dtype: .uint8, format: .binary)
        objects = try (0..<byteCount / chunkByteCount).map { _ in
            guard let object = try memory.allocate(metadata) else { fatalError("the memory is too small") }
            return object
        }
    }

    func store() {
        for (index, object) in objects.enumerated() {
            guard let place = unsafe object.mutableBytes.baseAddress else { continue }
            unsafe memcpy(place, bytes + index * chunkByteCount, chunkByteCount)
        }
    }

    func retrieve() {
        for (index, object) in objects.enumerated() {
            guard let place = unsafe object.mutableBytes.baseAddress else { continue }
            unsafe memcpy(bytes + index * chunkByteCount, place, chunkByteCount)
        }
    }
}

func makeMemory(byteCount: Int) throws -> LocalCPUBackend {
    var pool = MemoryPool.Configuration(byteCount: byteCount)
    pool.byteCountPopulatedFirst = byteCount
    return LocalCPUBackend(pool: try MemoryPool(pool))
}

func makeTokens() throws -> ChunkedTokenDatabase {
    let scope = try KeyScope(form: .current(dtype: .bfloat16), modelName: "llama", worldSize: 1, workerID: 0)
    return try ChunkedTokenDatabase(scope: scope, algorithm: .sha256UInt32, chunkSize: chunkSize)
}

func benchmarkCopies() throws -> Bool {
    let layout = try PagedLayout(layerCount: layerCount, rowElementCount: rowElementCount, dtype: .bfloat16)
    let cache = PagedHostMemory(layout, slotCount: tokenCount)
    let chunkByteCount = cache.metadata(tokenCount: chunkSize).tensorByteCount ?? 0
    let byteCount = tokenCount / chunkSize * chunkByteCount
    let memory = try makeMemory(byteCount: byteCount + 64 << 20)
    let engine = CacheEngine(
        tokens: try makeTokens(),
        storage: StorageManager(memory: memory),
        connector: cache
    )
    let plainMemory = try makeMemory(byteCount: byteCount)
    let plain = try Plain(plainMemory, byteCount: byteCount, chunkByteCount: chunkByteCount)
    let prompt = TokenArray((0..<UInt32(tokenCount)).map { $0 &* 2_654_435_761 % 128_000 })
    let placement = PagedPlacement.blocks(scatteredBlocks())
    var (plainTimes, engineTimes, ratios) = ([Double](), [Double](), [Double]())
    for round in 0...roundCount {
        let plainTime = seconds {
            plain.store()
            plain.retrieve()
        }
        try engine.clear(prompt)
        let engineTime = try seconds {
            guard try engine.store(prompt, at: placement).storedTokenCount == tokenCount,
                try engine.retrieve(prompt, to: placement).allSatisfy({ $0 })
            else { fatalError("the engine has lost tokens") }
        }
        // The first round warms up.
        guard round > 0 else { continue }
        plainTimes.append(2 * Double(byteCount) / plainTime / 1e9)
        engineTimes.append(2 * Double(byteCount) / engineTime / 1e9)
        ratios.append(plainTime / engineTime)
    }
    print("\(tokenCount) tokens, \(layerCount) layers, \(byteCount >> 20) MiB, there and back, GB/s")
    print("memcpy:                   \(spread(plainTimes))")
    print("engine, store, retrieve:  \(spread(engineTimes))")
    let ratio = median(ratios)
    return judge("engine / memcpy", ratio, isMet: ratio >= 0.8, "0.8")
}

func benchmarkLookups() throws -> Bool {
    let memory = try makeMemory(byteCount: 64 << 20)
    let layout = try PagedLayout(layerCount: 1, rowElementCount: 8, dtype: .bfloat16)
    let engine = CacheEngine(
        tokens: try makeTokens(),
        storage: StorageManager(memory: memory),
        connector: PagedHostMemory(layout, slotCount: chunkSize)
    )
    let prompt = TokenArray((0..<UInt32(lookupKeyCount * chunkSize)).map { $0 % 128_000 })
    let keys = try engine.tokens.processTokens(prompt).map(\.key.storageKey)
    let metadata = MemoryObjectMetadata(shape: [2, 1, chunkSize, 8], dtype: .bfloat16, format: .kv2LTD)
    for key in keys {
        guard let object = try memory.allocate(metadata) else { fatalError("the memory is too small") }
        engine.storage.put(key, object)
        object.release()
    }
    var (byKeys, byTokens) = ([Double](), [Double]())
    for round in 0...(20 * roundCount) {
        let keyTime = seconds {
            guard engine.storage.lookup(keys) == keys.count else { fatalError("a key is lost") }
        }
        let tokenTime = try seconds {
            guard try engine.lookup(prompt) == prompt.count else { fatalError("a token is lost") }
        }
        guard round > 0 else { continue }
        byKeys.append(keyTime * 1e6)
        byTokens.append(tokenTime * 1e6)
    }
    print("\nlookup of \(lookupKeyCount) chunks, µs")
    print("keys:                     \(spread(byKeys))")
    print("tokens, hashed with SHA-256: \(spread(byTokens))")
    return judge("lookup of \(lookupKeyCount) keys", median(byKeys), isMet: median(byKeys) <= 100, "100 µs")
}

let verdicts = [try benchmarkCopies(), try benchmarkLookups(), try Faults().run()]
exit(verdicts.allSatisfy { $0 } ? 0 : 1)
