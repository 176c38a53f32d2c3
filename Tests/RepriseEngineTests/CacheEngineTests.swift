import RepriseCore
import RepriseDisk
import RepriseHashing
import RepriseTesting
import Testing

@testable import RepriseEngine

/// Prompts through the engine: K82 to K91 of the acceptance list, as far as memory and disk go.
@Suite struct CacheEngineTests {
    private static let slotCount = 8192
    private let directory: TemporaryDirectory
    private let cache: PagedHostMemory

    init() throws {
        directory = try TemporaryDirectory()
        cache = try PagedHostMemory(
            layerCount: 2,
            slotCount: Self.slotCount,
            rowElementCount: 8,
            dtype: .float16
        )
    }

    private func make(hasDisk: Bool = false, storesInMemory: Bool = true) throws -> CacheEngine<
        PagedHostMemory
    > {
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: 8 << 20))
        let memory = LocalCPUBackend(pool: pool, storesValues: storesInMemory)
        var slower: [StorageTier] = []
        if hasDisk {
            let configuration = DiskConfiguration(path: directory.path, byteCount: 64 << 20)
            let disk = try LocalDiskBackend([configuration], memory: memory)
            slower = [StorageTier(name: "LocalDiskBackend", backend: disk)]
        }
        let scope = try KeyScope(
            form: .current(dtype: .float16),
            modelName: "model",
            worldSize: 1,
            workerID: 0
        )
        return CacheEngine(
            tokens: try ChunkedTokenDatabase(scope: scope, algorithm: .sha256UInt32, savesUnfullChunk: true),
            storage: StorageManager(memory: memory, slower: slower),
            connector: cache
        )
    }

    private func prompt(_ range: Range<Int>) -> [UInt32] { range.map { UInt32($0 * 7 % 50_000) } }

    /// Slots in pages of 16 tokens, in an order of their own.
    private func slots(_ count: Int, from start: Int = 0, _ seed: UInt64 = 1) -> [Int] {
        var random = SeededGenerator(seed: seed)
        let pages = (start / 16..<(start / 16 + (count + 15) / 16)).shuffled(using: &random)
        return (0..<count).map { pages[$0 / 16] * 16 + $0 % 16 }
    }

    /// Fills the rows of tokens with what follows from the token's place in the prompt.
    private func fill(_ slots: [Int]) {
        for (token, slot) in slots.enumerated() {
            for layer in 0..<2 {
                for isValue in [false, true] {
                    cache.withRow(layer: layer, slot: slot, isValue: isValue) { row in
                        for index in 0..<row.byteCount {
                            row.storeBytes(
                                of: byte(token, layer, isValue, index),
                                toByteOffset: index,
                                as: UInt8.self
                            )
                        }
                    }
                }
            }
        }
    }

    private func byte(_ token: Int, _ layer: Int, _ isValue: Bool, _ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: token &* 31 &+ layer &* 7 &+ (isValue ? 101 : 3) &+ index)
    }

    /// How many leading tokens have the rows that ``fill(_:)`` gives them.
    private func goodCount(_ slots: [Int]) -> Int {
        let indices = slots.indices.prefix { token in
            [false, true].allSatisfy { isValue in
                (0..<2).allSatisfy { layer in
                    cache.withRow(layer: layer, slot: slots[token], isValue: isValue) { row in
                        (0..<row.byteCount).allSatisfy {
                            row.bytes.loadByte(at: $0)
                                == byte(token, layer, isValue, $0)
                        }
                    }
                }
            }
        }
        return indices.count
    }

    private func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> Value {
        Threads.map(1) { _ in body() }[0]
    }

    private func retrieve(
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

    private func awaitPuts(_ engine: CacheEngine<PagedHostMemory>, _ tokens: [UInt32]) throws {
        let keys = Array(try engine.tokens.processTokens(TokenArray(tokens))).map(\.key.storageKey)
        while keys.contains(where: { key in engine.storage.tiers.contains { $0.backend.existsInPutTasks(key) }
        }) {
            Thread.sleep(milliseconds: 1)
        }
    }

    @Test func `K82 a prompt comes back as it was, its last part chunk too`() throws {
        let engine = try make()
        let from = slots(2000)
        fill(from)
        let report = try engine.store(TokenArray(prompt(0..<2000)), at: .slots(from))
        #expect(report.storedTokenCount == 2000 && report.presentTokenCount == 0 && !report.hasRunOut)
        let to = slots(2000, from: 4096, 2)
        #expect(try retrieve(engine, prompt(0..<2000), to: to) == 2000)
        #expect(goodCount(to) == 2000)
        #expect(try engine.store(TokenArray(prompt(0..<2000)), at: .slots(from)).presentTokenCount == 2000)
        engine.close()
    }

    @Test func `K83 a longer prompt finds the whole chunks of its prefix`() throws {
        let engine = try make()
        try engine.store(TokenArray(prompt(0..<2000)), at: .slots(slots(2000)))
        let longer = prompt(0..<2000) + prompt(5000..<6000)
        #expect(try retrieve(engine, longer, to: slots(3000)) == 1792)
        #expect(try engine.lookup(TokenArray(longer)) == 1792)
        engine.close()
    }

    @Test func `K84 K85 K86 what was stored in parts is found whole, and a mask leaves out what is there`()
        throws
    {
        let engine = try make()
        let from = slots(2048)
        fill(from)
        let tokens = prompt(0..<2048)
        try engine.store(TokenArray(Array(tokens[..<512])), at: .slots(from))
        try engine.store(TokenArray(tokens), skippingFirst: 1024, at: .slots(from))
        // The chunks between are missing: no hole is jumped over.
        #expect(try retrieve(engine, tokens, to: from) == 512)
        try engine.store(TokenArray(Array(tokens[..<1280])), skippingFirst: 512, at: .slots(from))
        let to = slots(2048, from: 4096, 2)
        #expect(try retrieve(engine, tokens, to: to) == 2048)
        #expect(goodCount(to) == 2048)
        #expect(try retrieve(engine, tokens, skipping: 768, to: to) == 2048 - 768)
        #expect(throws: EngineError.self) {
            _ = try engine.retrieve(TokenArray(tokens), skippingFirst: 773, to: .slots(to))
        }
        engine.close()
    }

    @Test(arguments: [true, false])
    func `K87 K88 K89 what memory has lost comes from the disk, prefetched or not, and nothing leaks`(
        storesInMemory: Bool
    ) throws {
        let engine = try make(hasDisk: true, storesInMemory: storesInMemory)
        let from = slots(1000)
        fill(from)
        let tokens = prompt(0..<1000)
        try engine.store(TokenArray(tokens), at: .slots(from))
        try awaitPuts(engine, tokens)
        let chunkByteCount = 2 * 2 * 256 * 16
        let pool = engine.storage.memory.pool
        let expectedByteCount = storesInMemory ? 4 * chunkByteCount : 0
        // A put task ends a moment before its reference does.
        for _ in 0..<1000 where pool.usedByteCount != expectedByteCount { Thread.sleep(milliseconds: 5) }
        #expect(pool.usedByteCount == expectedByteCount)
        #expect(blocking { engine.storage.clear([StorageManager.memoryName]) } == (storesInMemory ? 4 : 0))
        if storesInMemory {
            #expect(try engine.prefetch(TokenArray(tokens)) == 4)
            while try engine.lookup(TokenArray(tokens), in: [StorageManager.memoryName]) < 1000 {
                Thread.sleep(milliseconds: 1)
            }
        }
        let to = slots(1000, from: 4096, 2)
        #expect(try retrieve(engine, tokens, to: to) == 1000)
        #expect(goodCount(to) == 1000)
        #expect(pool.usedByteCount == (storesInMemory ? 4 * chunkByteCount : 0))
        engine.close()
    }

    @Test func `a store asks a slower backend once, and a retrieval loads from it once`() throws {
        let slower = try CountingBackend()
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: 8 << 20))
        let engine = CacheEngine(
            tokens: try make().tokens,
            storage: StorageManager(
                memory: LocalCPUBackend(pool: pool),
                slower: [StorageTier(name: "Slower", backend: slower)]
            ),
            connector: cache
        )
        let tokens = prompt(0..<4000)
        let from = slots(4000)
        fill(from)
        #expect(try engine.store(TokenArray(tokens), at: .slots(from)).storedTokenCount == 4000)
        #expect(slower.takeCalls() == .init(presence: 1))
        engine.storage.memory.removeAll()
        #expect(try engine.store(TokenArray(tokens), at: .slots(from)).presentTokenCount == 4000)
        #expect(slower.takeCalls() == .init(presence: 1))
        let to = slots(4000, from: 4096, 2)
        #expect(try retrieve(engine, tokens, to: to) == 4000)
        #expect(goodCount(to) == 4000)
        let calls = slower.takeCalls()
        #expect(calls.batchedGets == 1 && calls.gets == 0 && calls.askedKeys.count == 16)
        engine.close()
    }

    @Test(arguments: [true, false])
    func `a prompt larger than the memory comes back from a slower backend`(storesInMemory: Bool) throws {
        let slower = try CountingBackend()
        // Four chunks of 16 KiB: a window is one of them.
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: 64 << 10))
        let memory = LocalCPUBackend(pool: pool, storesValues: storesInMemory)
        let tier = StorageTier(name: "Slower", backend: slower)
        let storage = StorageManager(memory: memory, slower: [tier])
        let engine = CacheEngine(tokens: try make().tokens, storage: storage, connector: cache)
        let from = slots(3000)
        fill(from)
        #expect(try engine.store(TokenArray(prompt(0..<3000)), at: .slots(from)).storedTokenCount == 3000)
        let to = slots(3000, from: 4096, 2)
        #expect(try retrieve(engine, prompt(0..<3000), to: to) == 3000)
        #expect(goodCount(to) == 3000)
        engine.close()
        #expect(pool.usedByteCount == 0)
    }

    @Test func `K91 lookups count and pin, and nothing is found after a clear`() throws {
        let engine = try make()
        let tokens = TokenArray(prompt(0..<1000))
        try engine.store(tokens, at: .slots(slots(1000)))
        #expect(try engine.lookup(tokens) == 1000)
        #expect(try engine.lookup(TokenArray([UInt32]())) == 0)
        #expect(try engine.lookup(tokens, pinningAs: "request") == 1000)
        engine.storage.unpin("request")
        #expect(try engine.clear(TokenArray(prompt(0..<512))) == 2)
        #expect(try engine.lookup(tokens) == 0)
        #expect(try engine.clear() == 2)
        #expect(engine.storage.memory.pool.usedByteCount == 0)
        engine.close()
    }

    @Test func `what does not fit ends a store, and what has another layout is no value`() throws {
        let engine = try make()
        let tokens = prompt(0..<512)
        let key = try #require(Array(try engine.tokens.processTokens(TokenArray(tokens))).first).key
            .storageKey
        let foreign = try #require(try engine.storage.allocate(.plain(byteCount: 100)))
        engine.storage.put(key, foreign)
        foreign.release()
        #expect(try retrieve(engine, tokens, to: slots(512)) == 0)
        #expect(throws: EngineError.self) {
            try engine.store(TokenArray(prompt(9000..<9512)), at: .slots(slots(100)))
        }
        #expect(throws: EngineError.self) {
            try engine.store(
                TokenArray(prompt(9000..<9100)),
                at: .slots([Int](repeating: Self.slotCount, count: 100))
            )
        }
        #expect(engine.storage.memory.pool.usedByteCount == AllocationUnit.byteCount)
        engine.close()
    }
}
