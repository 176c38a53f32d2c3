import RepriseCore
import RepriseHashing
import RepriseTesting
import Testing

@testable import RepriseEngine

/// Prompts layer by layer: a chunk counts when all of its layers are there, and only then.
@Suite struct LayerwiseTests {
    typealias Engine = CacheEngine<PagedHostMemory>

    private static let layerCount = 4
    private let harness: EngineHarness

    init() throws { harness = try EngineHarness(layerCount: Self.layerCount) }

    private func store(_ engine: Engine, _ tokens: [UInt32], at slots: [Int]) throws -> StoreReport {
        let report = harness.blocking { () -> Result<StoreReport, any Error> in
            Result {
                let store = try engine.storeLayers(TokenArray(tokens), at: .slots(slots))
                for layer in 0..<Self.layerCount { try store.store(layer: layer) }
                return try store.finish()
            }
        }
        return try report.get()
    }

    /// Retrieves, and calls a test before each layer.
    private func retrieve(
        _ engine: Engine,
        _ tokens: [UInt32],
        skipping: Int = 0,
        to slots: [Int],
        before: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws -> [Bool] {
        let mask = harness.blocking { () -> Result<[Bool], any Error> in
            Result {
                let retrieval = try engine.retrieveLayers(
                    TokenArray(tokens),
                    skippingFirst: skipping,
                    to: .slots(slots)
                )
                for layer in 0..<Self.layerCount {
                    before(layer)
                    try retrieval.load(layer: layer)
                }
                return try retrieval.finish()
            }
        }
        return try mask.get()
    }

    private func layerKeys(_ engine: Engine, _ tokens: [UInt32]) throws -> [[StorageKey]] {
        try engine.tokens.processTokens(TokenArray(tokens)).map {
            try $0.key.splitLayers(Self.layerCount).map(\.storageKey)
        }
    }

    private func expectNoPins(_ engine: Engine, _ keys: [[StorageKey]]) {
        #expect(!keys.joined().contains { engine.storage.memory.unpin($0) })
    }

    @Test(arguments: [MemoryFormat.kvT2D, .kv2TD])
    func `a prompt comes back layer by layer`(format: MemoryFormat) throws {
        let harness = try EngineHarness(layerCount: Self.layerCount, layerFormat: format)
        let engine = try harness.engine()
        let tokens = harness.prompt(0..<1000)
        let from = harness.slots(1000)
        harness.fill(from)
        #expect(try store(engine, tokens, at: from) == StoreReport(storedTokenCount: 1000))
        #expect(try store(engine, tokens, at: from) == StoreReport(presentTokenCount: 1000))
        let keys = try layerKeys(engine, tokens)
        #expect(Set(engine.storage.memory.keys) == Set(keys.joined()))
        let to = harness.slots(1200, from: 4096, 2)
        let longer = tokens[..<768] + harness.prompt(5000..<5300)
        #expect(try retrieve(engine, tokens, to: to) == [Bool](repeating: true, count: 1000))
        #expect(harness.goodCount(Array(to[..<1000])) == 1000)
        #expect(try retrieve(engine, Array(longer), to: to).count { $0 } == 768)
        // The head is the most recent, the tail the least.
        _ = try retrieve(engine, tokens, to: to)
        #expect(engine.storage.memory.keys == keys.joined().reversed())
        let masked = try retrieve(engine, tokens, skipping: 512, to: to)
        #expect(masked == (0..<1000).map { $0 >= 512 })
        #expect(engine.storage.memory.keys == keys.joined().reversed())
        expectNoPins(engine, keys)
        engine.close()
        #expect(engine.storage.memory.pool.usedByteCount == 0)
    }

    @Test func `nothing found is a mask of false, not a failure`() throws {
        let engine = try harness.engine()
        let tokens = harness.prompt(0..<300)
        #expect(try retrieve(engine, tokens, to: harness.slots(300)) == [Bool](repeating: false, count: 300))
        #expect(try retrieve(engine, [], to: []) == [])
        let retrieval = try engine.retrieveLayers(TokenArray(tokens), to: .slots(harness.slots(300)))
        #expect(try retrieval.finish() == [Bool](repeating: false, count: 300))
        engine.close()
    }

    @Test(arguments: 0..<4)
    func `a chunk without one of its layers is not there, and is stored whole again`(missing: Int) throws {
        let engine = try harness.engine()
        let tokens = harness.prompt(0..<768)
        let from = harness.slots(768)
        harness.fill(from)
        _ = try store(engine, tokens, at: from)
        let key = try layerKeys(engine, tokens)[1][missing]
        #expect(engine.storage.memory.remove(key))
        let to = harness.slots(768, from: 4096, 2)
        #expect(try retrieve(engine, tokens, to: to).count { $0 } == 256)
        let report = try store(engine, tokens, at: from)
        #expect(report == StoreReport(storedTokenCount: 256, presentTokenCount: 512))
        #expect(try retrieve(engine, tokens, to: to).count { $0 } == 768)
        #expect(harness.goodCount(to) == 768)
        engine.close()
    }

    /// How many layers are stored before the store is abandoned, and which was there from before.
    @Test(arguments: Array(0...4), [nil, 0, 1, 3])
    func `a store that is abandoned leaves no chunk that looks complete, and no memory taken`(
        storedCount: Int,
        present: Int?
    ) throws {
        let engine = try harness.engine()
        let tokens = harness.prompt(0..<512)
        let from = harness.slots(512)
        harness.fill(from)
        let keys = try layerKeys(engine, tokens)
        if let present {
            _ = try store(engine, tokens, at: from)
            for key in keys.flatMap({ $0 }) where !keys.contains(where: { $0[present] == key }) {
                engine.storage.memory.remove(key)
            }
        }
        do {
            let store = try engine.storeLayers(TokenArray(tokens), at: .slots(from))
            #expect(store.pendingTokenCount == 512)
            for layer in 0..<storedCount { try store.store(layer: layer) }
        }
        let to = harness.slots(512, from: 4096, 2)
        #expect(try retrieve(engine, tokens, to: to) == [Bool](repeating: false, count: 512))
        let usedByteCount = engine.storage.memory.pool.usedByteCount
        #expect(usedByteCount == engine.storage.memory.keys.count * 256 * 2 * 16)
        #expect(try store(engine, tokens, at: from).storedTokenCount == 512)
        #expect(try retrieve(engine, tokens, to: to).count { $0 } == 512)
        #expect(harness.goodCount(to) == 512)
        engine.close()
        #expect(engine.storage.memory.pool.usedByteCount == 0)
    }

    @Test(arguments: 0...4)
    func `a retrieval that is abandoned gives references and pins back`(loadedCount: Int) throws {
        let slower = try CountingBackend()
        let engine = try harness.engine(slower: [slower])
        let tokens = harness.prompt(0..<512)
        _ = try store(engine, tokens, at: harness.slots(512))
        engine.storage.memory.removeAll()
        let (harness, slots) = (harness, self.harness.slots(512, from: 4096))
        harness.blocking {
            guard let retrieval = try? engine.retrieveLayers(TokenArray(tokens), to: .slots(slots)) else {
                return
            }
            for layer in 0..<loadedCount { try? retrieval.load(layer: layer) }
        }
        engine.close()
        #expect(engine.storage.memory.pool.usedByteCount == 0)
        #expect(slower.inner.pool.usedByteCount == 0)
    }

    @Test func `layers come from a slower backend one call each, the next while one is computed with`() throws
    {
        let slower = try CountingBackend()
        let engine = try harness.engine(slower: [slower])
        let tokens = harness.prompt(0..<1000)
        let from = harness.slots(1000)
        harness.fill(from)
        _ = try store(engine, tokens, at: from)
        #expect(slower.takeCalls() == .init(presence: 1))
        engine.storage.memory.removeAll()
        let to = harness.slots(1000, from: 4096, 2)
        let mask = try retrieve(engine, tokens, to: to) { layer in
            // Before it is asked for.
            while slower.loadCount <= layer { Thread.sleep(milliseconds: 1) }
        }
        #expect(mask == [Bool](repeating: true, count: 1000))
        #expect(harness.goodCount(to) == 1000)
        let calls = slower.takeCalls()
        #expect(calls.batchedGets == Self.layerCount && calls.gets == 0)
        engine.close()
    }

    @Test func `a layer that is lost on the way ends the prefix before its chunk`() throws {
        let engine = try harness.engine()
        let tokens = harness.prompt(0..<1024)
        let from = harness.slots(1024)
        harness.fill(from)
        _ = try store(engine, tokens, at: from)
        let keys = try layerKeys(engine, tokens)
        let to = harness.slots(1024, from: 4096, 2)
        let mask = try retrieve(engine, tokens, to: to) { layer in
            if layer == 1 { engine.storage.memory.remove(keys[2][3]) }
        }
        #expect(mask == (0..<1024).map { $0 < 512 })
        #expect(harness.goodCount(Array(to[..<512])) == 512)
        engine.close()
        #expect(engine.storage.memory.pool.usedByteCount == 0)
    }

    @Test func `a chunk's layers have memory together or not at all`() throws {
        // Room for seven layers of 8 KiB: one chunk of four, and not two.
        let engine = try harness.engine(memoryByteCount: 7 * 8192)
        let tokens = harness.prompt(0..<1024)
        let from = harness.slots(1024)
        harness.fill(from)
        let report = try store(engine, tokens, at: from)
        #expect(report == StoreReport(storedTokenCount: 256, hasRunOut: true))
        #expect(engine.storage.memory.pool.usedByteCount == 4 * 8192)
        let to = harness.slots(1024, from: 4096, 2)
        #expect(try retrieve(engine, tokens, to: to).count { $0 } == 256)
        engine.close()
    }

    @Test func `layers out of order, too early an end and a second end are errors`() throws {
        let engine = try harness.engine()
        let tokens = TokenArray(harness.prompt(0..<256))
        let slots = PagedPlacement.slots(harness.slots(256))
        let store = try engine.storeLayers(tokens, at: slots)
        #expect(throws: EngineError.layers(.outOfOrder(layer: 1, expected: 0))) { try store.store(layer: 1) }
        #expect(throws: EngineError.layers(.outOfOrder(layer: -1, expected: 0))) {
            try store.store(layer: -1)
        }
        for layer in 0..<3 { try store.store(layer: layer) }
        #expect(throws: EngineError.layers(.outOfOrder(layer: 2, expected: 3))) { try store.store(layer: 2) }
        #expect(throws: EngineError.layers(.incomplete(layerCount: 3, of: 4))) { try store.finish() }
        try store.store(layer: 3)
        #expect(throws: EngineError.layers(.outOfOrder(layer: 4, expected: 4))) { try store.store(layer: 4) }
        try store.finish()
        #expect(throws: EngineError.layers(.finished)) { try store.finish() }
        #expect(throws: EngineError.layers(.finished)) { try store.store(layer: 0) }
        let retrieval = try engine.retrieveLayers(tokens, to: slots)
        #expect(throws: EngineError.layers(.incomplete(layerCount: 0, of: 4))) { try retrieval.finish() }
        #expect(throws: EngineError.layers(.outOfOrder(layer: 3, expected: 0))) {
            try retrieval.load(layer: 3)
        }
        for layer in 0..<4 { try retrieval.load(layer: layer) }
        try retrieval.finish()
        #expect(throws: EngineError.layers(.finished)) { try retrieval.finish() }
        engine.close()
    }

    @Test func `a placement that is wrong fails a layer, which may be tried again, and leaks nothing`() throws
    {
        let engine = try harness.engine()
        let tokens = TokenArray(harness.prompt(0..<512))
        do {
            let store = try engine.storeLayers(tokens, at: .slots(harness.slots(300)))
            for _ in 0..<2 { #expect(throws: EngineError.self) { try store.store(layer: 0) } }
        }
        #expect(engine.storage.memory.pool.usedByteCount == 0)
        _ = try store(engine, harness.prompt(0..<512), at: harness.slots(512))
        do {
            let retrieval = try engine.retrieveLayers(tokens, to: .slots(harness.slots(300)))
            for _ in 0..<2 { #expect(throws: EngineError.self) { try retrieval.load(layer: 0) } }
        }
        engine.close()
        #expect(engine.storage.memory.pool.usedByteCount == 0)
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func `what is found is what a model of whole chunks says`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let slower = try CountingBackend()
        let engine = try harness.engine(slower: [slower])
        let tokens = harness.prompt(0..<5 * 256)
        let keys = try layerKeys(engine, tokens)
        // Which layers memory and the slower backend have of each chunk.
        var places: [Set<StorageKey>] = [[], []]
        let from = harness.slots(tokens.count)
        harness.fill(from)
        for _ in 0..<14 {
            let there = keys.map { $0.allSatisfy { places[0].union(places[1]).contains($0) } }
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                let count = Int.random(in: 1...5, using: &random)
                let report = try store(engine, Array(tokens[..<(count * 256)]), at: from)
                #expect(report.presentTokenCount == there[..<count].count { $0 } * 256)
                for chunk in 0..<count where !there[chunk] {
                    for place in 0..<2 { places[place].formUnion(keys[chunk]) }
                }
            case 1:
                let key = keys.joined().randomElement(using: &random) ?? "none"
                engine.storage.memory.remove(key)
                slower.inner.remove(key)
                for place in 0..<2 { places[place].remove(key) }
            case 2:
                for key in places[0] where Bool.random(using: &random) {
                    engine.storage.memory.remove(key)
                    places[0].remove(key)
                }
            default:
                let to = harness.slots(tokens.count, from: 4096, seed)
                let count = there.prefix { $0 }.count * 256
                #expect(try retrieve(engine, tokens, to: to).count { $0 } == count)
                #expect(harness.goodCount(Array(to[..<count])) == count)
                for chunk in 0..<(count / 256) { places[0].formUnion(keys[chunk]) }
            }
        }
        expectNoPins(engine, keys)
        engine.close()
        #expect(engine.storage.memory.pool.usedByteCount == 0)
    }

    @Test func `segments are retrieved layer by layer with holes`() throws {
        let tokens = try SegmentTokenDatabase(
            scope: EngineHarness.scope(),
            algorithm: .sha256UInt32,
            separator: TokenArray([60_001] as [UInt32])
        )
        let engine = try harness.engine(tokens: tokens)
        let parts = (0..<3).map { harness.prompt($0 * 100..<$0 * 100 + 30) }
        let stored = parts[0] + [60_001] + parts[2]
        let from = harness.slots(61)
        harness.fill(from, names: stored.map { Int($0) })
        #expect(try store(engine, stored, at: from).storedTokenCount == 60)
        let all = Array(parts.joined(separator: [60_001]))
        let to = harness.slots(92, from: 4096)
        let mask = try retrieve(engine, all, to: to)
        #expect(mask == (0..<92).map { $0 < 30 || $0 >= 62 })
        #expect(all.indices.allSatisfy { harness.holds(to[$0], Int(all[$0])) == mask[$0] })
        engine.close()
    }
}
