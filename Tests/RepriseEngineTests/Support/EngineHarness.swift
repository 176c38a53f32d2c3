import RepriseCore
import RepriseDisk
import RepriseEngine
import RepriseHashing
import RepriseTesting
import Testing

/// An inference engine's cache whose rows say what they hold, and engines over it.
final class EngineHarness: Sendable {
    static let slotCount = 8192
    let directory: TemporaryDirectory
    let cache: PagedHostMemory

    init(layerCount: Int = 2, layerFormat: MemoryFormat = .kvT2D) throws {
        directory = try TemporaryDirectory()
        let layout = try PagedLayout(
            layerFormat: layerFormat,
            layerCount: layerCount,
            rowElementCount: 8,
            dtype: .float16
        )
        cache = PagedHostMemory(layout, slotCount: Self.slotCount)
    }

    static func scope() throws -> KeyScope {
        try KeyScope(form: .current(dtype: .float16), modelName: "model", worldSize: 1, workerID: 0)
    }

    /// Chunks of 256 tokens, the last with fewer, too.
    static func chunks() throws -> ChunkedTokenDatabase {
        try ChunkedTokenDatabase(scope: scope(), algorithm: .sha256UInt32, savesUnfullChunk: true)
    }

    /// An engine over memory and perhaps others.
    func engine(
        tokens: (any TokenDatabase)? = nil,
        memoryByteCount: Int = 8 << 20,
        storesInMemory: Bool = true,
        hasDisk: Bool = false,
        slower: [any StorageBackend] = []
    ) throws -> CacheEngine<PagedHostMemory> {
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: memoryByteCount))
        let memory = LocalCPUBackend(pool: pool, storesValues: storesInMemory)
        var tiers = slower.enumerated().map { StorageTier(name: "Slower\($0)", backend: $1) }
        if hasDisk {
            let configuration = DiskConfiguration(path: directory.path, byteCount: 64 << 20)
            let disk = try LocalDiskBackend([configuration], memory: memory)
            tiers.append(StorageTier(name: "LocalDiskBackend", backend: disk))
        }
        return CacheEngine(
            tokens: try tokens ?? Self.chunks(),
            storage: StorageManager(memory: memory, slower: tiers),
            connector: cache
        )
    }

    func prompt(_ range: Range<Int>) -> [UInt32] { range.map { UInt32($0 * 7 % 50_000) } }

    /// Slots in pages of 16 tokens, in an order of their own.
    func slots(_ count: Int, from start: Int = 0, _ seed: UInt64 = 1) -> [Int] {
        var random = SeededGenerator(seed: seed)
        let pages = (start / 16..<(start / 16 + (count + 15) / 16)).shuffled(using: &random)
        return (0..<count).map { pages[$0 / 16] * 16 + $0 % 16 }
    }

    /// Fills the rows of tokens with what follows from their names, which are their places in the prompt if
    /// nothing else is said.
    func fill(_ slots: [Int], names: [Int]? = nil) {
        for (token, slot) in slots.enumerated() {
            for layer in 0..<cache.layerCount {
                for isValue in [false, true] {
                    cache.withRow(layer: layer, slot: slot, isValue: isValue) { row in
                        for index in 0..<row.byteCount {
                            row.storeBytes(
                                of: byte(names?[token] ?? token, layer, isValue, index),
                                toByteOffset: index,
                                as: UInt8.self
                            )
                        }
                    }
                }
            }
        }
    }

    private func byte(_ name: Int, _ layer: Int, _ isValue: Bool, _ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: 1 &+ name &* 31 &+ layer &* 7 &+ (isValue ? 101 : 3) &+ index)
    }

    /// Whether a slot has the rows of a token's name.
    func holds(_ slot: Int, _ name: Int) -> Bool {
        [false, true].allSatisfy { isValue in
            (0..<cache.layerCount).allSatisfy { layer in
                cache.withRow(layer: layer, slot: slot, isValue: isValue) { row in
                    (0..<row.byteCount).allSatisfy {
                        row.bytes.loadByte(at: $0) == byte(name, layer, isValue, $0)
                    }
                }
            }
        }
    }

    /// How many leading tokens have the rows that ``fill(_:names:)`` gives them.
    func goodCount(_ slots: [Int]) -> Int { slots.indices.prefix { holds(slots[$0], $0) }.count }

    /// Calls what may block.
    func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> Value {
        Threads.map(1) { _ in body() }[0]
    }

    /// How many tokens a retrieval copies.
    func retrieve(
        _ engine: CacheEngine<PagedHostMemory>,
        _ tokens: [UInt32],
        skipping: Int = 0,
        to slots: [Int]
    ) throws -> Int {
        let mask = blocking {
            try? engine.retrieve(TokenArray(tokens), skippingFirst: skipping, to: .slots(slots))
        }
        return try #require(mask).count { $0 }
    }

    /// Waits for puts of a prompt's chunks.
    func awaitPuts(_ engine: CacheEngine<PagedHostMemory>, _ tokens: [UInt32]) throws {
        awaitPuts(engine, try engine.tokens.processTokens(TokenArray(tokens)).map(\.key.storageKey))
    }

    /// Waits for puts.
    func awaitPuts(_ engine: CacheEngine<PagedHostMemory>, _ keys: [StorageKey]) {
        let tiers = engine.storage.tiers
        while keys.contains(where: { key in tiers.contains { $0.backend.existsInPutTasks(key) } }) {
            Thread.sleep(milliseconds: 1)
        }
    }
}
