import RepriseCore
import RepriseDisk
import RepriseHashing
import RepriseTesting
import Testing

@testable import RepriseEngine

/// Prompts through the engine: K82 to K91 of the acceptance list, as far as memory and disk go.
@Suite struct CacheEngineTests {
    private let harness: EngineHarness

    init() throws { harness = try EngineHarness() }

    @Test func `K82 a prompt comes back as it was, its last part chunk too`() throws {
        let engine = try harness.engine()
        let from = harness.slots(2000)
        harness.fill(from)
        let report = try engine.store(TokenArray(harness.prompt(0..<2000)), at: .slots(from))
        #expect(report.storedTokenCount == 2000 && report.presentTokenCount == 0 && !report.hasRunOut)
        let to = harness.slots(2000, from: 4096, 2)
        #expect(try harness.retrieve(engine, harness.prompt(0..<2000), to: to) == 2000)
        #expect(harness.goodCount(to) == 2000)
        #expect(
            try engine.store(TokenArray(harness.prompt(0..<2000)), at: .slots(from)).presentTokenCount == 2000
        )
        engine.close()
    }

    @Test func `K83 a longer prompt finds the whole chunks of its prefix`() throws {
        let engine = try harness.engine()
        try engine.store(TokenArray(harness.prompt(0..<2000)), at: .slots(harness.slots(2000)))
        let longer = harness.prompt(0..<2000) + harness.prompt(5000..<6000)
        #expect(try harness.retrieve(engine, longer, to: harness.slots(3000)) == 1792)
        #expect(try engine.lookup(TokenArray(longer)) == 1792)
        engine.close()
    }

    @Test func `K84 K85 K86 what was stored in parts is found whole, and a mask leaves out what is there`()
        throws
    {
        let engine = try harness.engine()
        let from = harness.slots(2048)
        harness.fill(from)
        let tokens = harness.prompt(0..<2048)
        try engine.store(TokenArray(Array(tokens[..<512])), at: .slots(from))
        try engine.store(TokenArray(tokens), skippingFirst: 1024, at: .slots(from))
        // The chunks between are missing: no hole is jumped over.
        #expect(try harness.retrieve(engine, tokens, to: from) == 512)
        try engine.store(TokenArray(Array(tokens[..<1280])), skippingFirst: 512, at: .slots(from))
        let to = harness.slots(2048, from: 4096, 2)
        #expect(try harness.retrieve(engine, tokens, to: to) == 2048)
        #expect(harness.goodCount(to) == 2048)
        #expect(try harness.retrieve(engine, tokens, skipping: 768, to: to) == 2048 - 768)
        #expect(throws: EngineError.self) {
            _ = try engine.retrieve(TokenArray(tokens), skippingFirst: 773, to: .slots(to))
        }
        engine.close()
    }

    /// Masks of 1024 tokens, and why they are wrong.
    static let badMasks: [([Bool], HashingError.Code)] = [
        ((0..<1024).map { $0 >= 3 * 256 + 5 }, .misalignedMask), ((0..<1023).map { $0 >= 256 }, .invalidMask),
        ((0..<1025).map { $0 >= 256 }, .invalidMask), ([], .invalidMask),
        ((0..<1024).map { $0 >= 256 && $0 != 700 }, .invalidMask),
        ((0..<1024).map { $0 < 256 }, .invalidMask),
    ]

    @Test(arguments: badMasks)
    func `K86 a mask that is none is an error of the tokens, and nothing is stored or copied`(
        mask: [Bool],
        code: HashingError.Code
    ) throws {
        let engine = try harness.engine()
        let tokens = TokenArray(harness.prompt(0..<1024))
        let slots = PagedPlacement.slots(harness.slots(1024))
        let stored = #expect(throws: EngineError.self) { try engine.store(tokens, mask: mask, at: slots) }
        let copied = #expect(throws: EngineError.self) { try engine.retrieve(tokens, mask: mask, to: slots) }
        for error in [stored, copied] {
            guard case .tokens(let reason) = error else {
                Issue.record("the tokens are to blame")
                continue
            }
            #expect(reason.code == code)
        }
        #expect(try engine.lookup(tokens) == 0)
        engine.close()
    }

    @Test(arguments: [0, 256, 768, 1024])
    func `K86 a mask of one value a token leaves out whole chunks`(falseCount: Int) throws {
        let engine = try harness.engine()
        let tokens = TokenArray(harness.prompt(0..<1024))
        let from = harness.slots(1024)
        harness.fill(from)
        let mask = (0..<1024).map { $0 >= falseCount }
        let report = try engine.store(tokens, mask: mask, at: .slots(from))
        #expect(report.storedTokenCount == 1024 - falseCount)
        try engine.store(tokens, at: .slots(from))
        let to = harness.slots(1024, from: 4096, 2)
        #expect(try engine.retrieve(tokens, mask: mask, to: .slots(to)) == mask)
        #expect(mask.indices.allSatisfy { harness.holds(to[$0], $0) == mask[$0] })
        engine.close()
    }

    @Test(arguments: [true, false])
    func `K87 K88 K89 what memory has lost comes from the disk, prefetched or not, and nothing leaks`(
        storesInMemory: Bool
    ) throws {
        let engine = try harness.engine(storesInMemory: storesInMemory, hasDisk: true)
        let from = harness.slots(1000)
        harness.fill(from)
        let tokens = harness.prompt(0..<1000)
        try engine.store(TokenArray(tokens), at: .slots(from))
        try harness.awaitPuts(engine, tokens)
        let chunkByteCount = 2 * 2 * 256 * 16
        let pool = engine.storage.memory.pool
        let expectedByteCount = storesInMemory ? 4 * chunkByteCount : 0
        // A put task ends a moment before its reference does.
        for _ in 0..<1000 where pool.usedByteCount != expectedByteCount { Thread.sleep(milliseconds: 5) }
        #expect(pool.usedByteCount == expectedByteCount)
        let removedCount = harness.blocking { engine.storage.clear([StorageManager.memoryName]) }
        #expect(removedCount == (storesInMemory ? 4 : 0))
        if storesInMemory {
            #expect(try engine.prefetch(TokenArray(tokens)) == 4)
            while try engine.lookup(TokenArray(tokens), in: [StorageManager.memoryName]) < 1000 {
                Thread.sleep(milliseconds: 1)
            }
        }
        let to = harness.slots(1000, from: 4096, 2)
        #expect(try harness.retrieve(engine, tokens, to: to) == 1000)
        #expect(harness.goodCount(to) == 1000)
        #expect(pool.usedByteCount == (storesInMemory ? 4 * chunkByteCount : 0))
        engine.close()
    }

    @Test func `a store asks a slower backend once, and a retrieval loads from it once`() throws {
        let slower = try CountingBackend()
        let engine = try harness.engine(slower: [slower])
        let tokens = harness.prompt(0..<4000)
        let from = harness.slots(4000)
        harness.fill(from)
        #expect(try engine.store(TokenArray(tokens), at: .slots(from)).storedTokenCount == 4000)
        #expect(slower.takeCalls() == .init(presence: 1))
        engine.storage.memory.removeAll()
        #expect(try engine.store(TokenArray(tokens), at: .slots(from)).presentTokenCount == 4000)
        #expect(slower.takeCalls() == .init(presence: 1))
        let to = harness.slots(4000, from: 4096, 2)
        #expect(try harness.retrieve(engine, tokens, to: to) == 4000)
        #expect(harness.goodCount(to) == 4000)
        let calls = slower.takeCalls()
        #expect(calls.batchedGets == 1 && calls.gets == 0 && calls.askedKeys.count == 16)
        engine.close()
    }

    @Test(arguments: [true, false])
    func `a prompt larger than the memory comes back from a slower backend`(storesInMemory: Bool) throws {
        let slower = try CountingBackend()
        // Four chunks of 16 KiB: a window is one of them.
        let engine = try harness.engine(
            memoryByteCount: 64 << 10,
            storesInMemory: storesInMemory,
            slower: [slower]
        )
        let from = harness.slots(3000)
        harness.fill(from)
        #expect(
            try engine.store(TokenArray(harness.prompt(0..<3000)), at: .slots(from)).storedTokenCount == 3000
        )
        let to = harness.slots(3000, from: 4096, 2)
        #expect(try harness.retrieve(engine, harness.prompt(0..<3000), to: to) == 3000)
        #expect(harness.goodCount(to) == 3000)
        engine.close()
        #expect(engine.storage.memory.pool.usedByteCount == 0)
    }

    @Test func `whatever uses a prompt leaves its head the most recent`() throws {
        let slower = try CountingBackend()
        let engine = try harness.engine(slower: [slower])
        let tokens = TokenArray(harness.prompt(0..<1024))
        let slots = PagedPlacement.slots(harness.slots(1024))
        let keys = try engine.tokens.processTokens(tokens).map(\.key.storageKey)
        let memory = engine.storage.memory
        try engine.store(tokens, at: slots)
        #expect(memory.keys == keys.reversed())
        // Also chunks that are left out.
        try engine.store(tokens, skippingFirst: 512, at: slots)
        #expect(memory.keys == keys.reversed())
        _ = try engine.retrieve(tokens, skippingFirst: 768, to: slots)
        #expect(memory.keys == keys.reversed())
        #expect(try engine.lookup(tokens, pinningAs: "request") == 1024)
        engine.storage.unpin("request")
        #expect(memory.keys == keys.reversed())
        memory.removeAll()
        let copied = harness.blocking { try? engine.retrieve(tokens, to: slots) }
        #expect(copied?.contains(false) == false)
        #expect(memory.keys == keys.reversed())
        memory.removeAll()
        #expect(try engine.prefetch(tokens) == 4)
        while memory.keys != keys.reversed() { Thread.sleep(milliseconds: 1) }
        engine.close()
    }

    @Test func `statistics count tokens, also of what ends with an error`() throws {
        let engine = try harness.engine()
        let tokens = TokenArray(harness.prompt(0..<1000))
        let slots = PagedPlacement.slots(harness.slots(1000))
        #expect(engine.statistics == EngineStatistics())
        #expect(engine.statistics.hitRate == nil)
        try engine.store(tokens, at: slots)
        try engine.store(tokens, skippingFirst: 512, at: slots)
        #expect(throws: EngineError.self) {
            try engine.store(TokenArray(harness.prompt(7000..<7512)), at: .slots(harness.slots(300)))
        }
        _ = try engine.retrieve(tokens, skippingFirst: 256, to: slots)
        _ = try engine.retrieve(TokenArray(harness.prompt(9000..<9100)), to: slots)
        #expect(throws: EngineError.self) {
            try engine.retrieve(tokens, skippingFirst: 2000, to: slots)
        }
        _ = try engine.lookup(TokenArray(harness.prompt(0..<600)))
        let statistics = engine.statistics
        #expect(statistics.storeCount == 3 && statistics.storedTokenCount == 1256)
        #expect(statistics.presentTokenCount == 488 && statistics.ranOutCount == 0)
        #expect(statistics.retrievalCount == 2 && statistics.requestedTokenCount == 844)
        #expect(statistics.retrievedTokenCount == 744 && statistics.hitRate == 744.0 / 844)
        #expect(statistics.lookupCount == 1 && statistics.lookedUpTokenCount == 600)
        #expect(statistics.foundTokenCount == 512)
        engine.close()
    }

    @Test func `K91 lookups count and pin, and nothing is found after a clear`() throws {
        let engine = try harness.engine()
        let tokens = TokenArray(harness.prompt(0..<1000))
        try engine.store(tokens, at: .slots(harness.slots(1000)))
        #expect(try engine.lookup(tokens) == 1000)
        #expect(try engine.lookup(TokenArray([UInt32]())) == 0)
        #expect(try engine.lookup(tokens, pinningAs: "request") == 1000)
        engine.storage.unpin("request")
        #expect(try engine.clear(TokenArray(harness.prompt(0..<512))) == 2)
        #expect(try engine.lookup(tokens) == 0)
        #expect(try engine.clear() == 2)
        #expect(engine.storage.memory.pool.usedByteCount == 0)
        engine.close()
    }

    @Test func `what does not fit ends a store, and what has another layout is no value`() throws {
        let engine = try harness.engine()
        let tokens = harness.prompt(0..<512)
        let key = try #require(Array(try engine.tokens.processTokens(TokenArray(tokens))).first).key
            .storageKey
        let foreign = try #require(try engine.storage.allocate(.plain(byteCount: 100)))
        engine.storage.put(key, foreign)
        foreign.release()
        #expect(try harness.retrieve(engine, tokens, to: harness.slots(512)) == 0)
        #expect(throws: EngineError.self) {
            try engine.store(TokenArray(harness.prompt(9000..<9512)), at: .slots(harness.slots(100)))
        }
        #expect(throws: EngineError.self) {
            try engine.store(
                TokenArray(harness.prompt(9000..<9100)),
                at: .slots([Int](repeating: EngineHarness.slotCount, count: 100))
            )
        }
        #expect(engine.storage.memory.pool.usedByteCount == AllocationUnit.byteCount)
        engine.close()
    }
}
