import RepriseCore
import RepriseHashing
import RepriseTesting
import Testing

@testable import RepriseEngine

/// Segments through the engine: each is found for itself, wherever it stands.
@Suite struct SegmentEngineTests {
    private static let separator: [UInt32] = [60_001, 60_002]
    private let harness: EngineHarness

    init() throws { harness = try EngineHarness() }

    private func engine(slower: [any StorageBackend] = []) throws -> CacheEngine<PagedHostMemory> {
        let tokens = try SegmentTokenDatabase(
            scope: EngineHarness.scope(),
            algorithm: .sha256UInt32,
            separator: TokenArray(Self.separator)
        )
        return try harness.engine(tokens: tokens, slower: slower)
    }

    private func join(_ segments: [[UInt32]]) -> [UInt32] {
        Array(segments.joined(separator: Self.separator))
    }

    /// Which tokens stand in a segment of these numbers.
    private func mask(_ segments: [[UInt32]], _ numbers: Set<Int>) -> [Bool] {
        let parts = segments.enumerated().map { number, segment in
            [Bool](repeating: numbers.contains(number), count: segment.count)
        }
        return Array(parts.joined(separator: [false, false]))
    }

    @Test func `segments that are stored are retrieved, with holes where others are not`() throws {
        let engine = try engine()
        let parts = (0..<5).map { harness.prompt($0 * 1000..<$0 * 1000 + 100 + $0) }
        let first = join([parts[0], parts[2], parts[4]])
        let from = harness.slots(first.count)
        harness.fill(from, names: first.map { Int($0) })
        let report = try engine.store(TokenArray(first), at: .slots(from))
        #expect(report.storedTokenCount == first.count - 4)
        let all = join(parts)
        let to = harness.slots(all.count, from: 4096)
        let found = try engine.retrieve(TokenArray(all), to: .slots(to))
        let wanted = mask(parts, [0, 2, 4])
        #expect(found == wanted)
        #expect(
            zip(all, to).enumerated().allSatisfy { index, pair in
                harness.holds(pair.1, Int(pair.0)) == wanted[index]
            }
        )
        #expect(try engine.presence(TokenArray(all)) == wanted)
        #expect(try engine.lookup(TokenArray(all)) == 100)
        #expect(try engine.lookup(TokenArray(first)) == first.count)
        engine.close()
        #expect(engine.storage.memory.pool.usedByteCount == 0)
    }

    @Test func `a segment that a prompt repeats is stored once and retrieved each time`() throws {
        let engine = try engine()
        let segment = harness.prompt(0..<50)
        let prompt = join([segment, harness.prompt(100..<120), segment])
        let from = harness.slots(prompt.count)
        harness.fill(from, names: prompt.map { Int($0) })
        let report = try engine.store(TokenArray(prompt), at: .slots(from))
        #expect(report == StoreReport(storedTokenCount: 70, presentTokenCount: 50))
        #expect(engine.storage.memory.keys.count == 2)
        let to = harness.slots(prompt.count, from: 4096)
        #expect(try engine.retrieve(TokenArray(prompt), to: .slots(to)).count { $0 } == 120)
        #expect((0..<50).allSatisfy { harness.holds(to[74 + $0], Int(segment[$0])) })
        engine.close()
    }

    @Test func `segments behind a hole come from a slower backend together, and are prefetched`() throws {
        let slower = try CountingBackend()
        let engine = try engine(slower: [slower])
        let parts = (0..<6).map { harness.prompt($0 * 1000..<$0 * 1000 + 40) }
        let stored = join([parts[1], parts[2], parts[4]])
        try engine.store(TokenArray(stored), at: .slots(harness.slots(stored.count)))
        engine.storage.memory.removeAll()
        _ = slower.takeCalls()
        let all = join(parts)
        let target = harness.slots(all.count, from: 4096)
        let found = harness.blocking { try? engine.retrieve(TokenArray(all), to: .slots(target)) }
        #expect(found == mask(parts, [1, 2, 4]))
        let calls = slower.takeCalls()
        #expect(calls.presence == 1 && calls.batchedGets == 1 && calls.gets == 0)
        engine.storage.memory.removeAll()
        #expect(try engine.prefetch(TokenArray(all)) == 3)
        while try engine.presence(TokenArray(all), in: [StorageManager.memoryName]) != found {
            Thread.sleep(milliseconds: 1)
        }
        #expect(try engine.clear(TokenArray(all)) == 3)
        engine.close()
    }

    @Test func `K86 a mask leaves out whole segments, and anything else is an error`() throws {
        let engine = try engine()
        let parts = [harness.prompt(0..<10), harness.prompt(20..<30)]
        let prompt = join(parts)
        let slots = PagedPlacement.slots(harness.slots(prompt.count))
        try engine.store(TokenArray(prompt), mask: prompt.indices.map { $0 >= 12 }, at: slots)
        #expect(try engine.retrieve(TokenArray(prompt), to: slots) == mask(parts, [1]))
        let error = #expect(throws: EngineError.self) {
            try engine.retrieve(TokenArray(prompt), mask: prompt.indices.map { $0 >= 15 }, to: slots)
        }
        guard case .tokens(let reason) = error else {
            Issue.record("the tokens are to blame")
            return
        }
        #expect(reason.code == .misalignedMask)
        engine.close()
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `what is retrieved is what was stored, segment for segment`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let slower = try CountingBackend()
        let engine = try engine(slower: [slower])
        let parts = (0..<10).map { harness.prompt($0 * 100..<$0 * 100 + 1 + $0 * 7) }
        var there: Set<Int> = []
        for _ in 0..<12 {
            let numbers = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                Int.random(in: 0..<parts.count, using: &random)
            }
            let prompt = join(numbers.map { parts[$0] })
            let names = prompt.map { Int($0) }
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                let slots = harness.slots(prompt.count, seed)
                harness.fill(slots, names: names)
                let report = try engine.store(TokenArray(prompt), at: .slots(slots))
                let newCount = Set(numbers).subtracting(there).reduce(0) { $0 + parts[$1].count }
                #expect(report.storedTokenCount == newCount)
                there.formUnion(numbers)
            case 1:
                _ = try engine.clear(TokenArray(prompt))
                there.subtract(numbers)
            case 2:
                engine.storage.memory.removeAll()
            default:
                let slots = harness.slots(prompt.count, from: 4096, seed)
                harness.fill(slots, names: names.map { $0 + 1 })
                let found = harness.blocking {
                    (try? engine.retrieve(TokenArray(prompt), to: .slots(slots))) ?? []
                }
                let wanted = mask(
                    numbers.map { parts[$0] },
                    Set(numbers.indices.filter { there.contains(numbers[$0]) })
                )
                #expect(found == wanted)
                #expect(names.indices.allSatisfy { harness.holds(slots[$0], names[$0]) == found[$0] })
            }
        }
        engine.close()
        #expect(engine.storage.memory.pool.usedByteCount == 0)
    }
}
