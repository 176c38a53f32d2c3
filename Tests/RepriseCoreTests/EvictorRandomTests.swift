import RepriseCore
import RepriseTesting
import Testing

/// Every policy against a naive reference, on random calls.
@Suite struct EvictorRandomTests {
    /// An evictor and its reference, given the same calls.
    struct Pair {
        let evictor: any Evictor
        var reference: ReferenceEvictor

        /// Makes one random call that the preconditions allow.
        mutating func step(slotCount: EntrySlot, using generator: inout SeededGenerator) {
            let slot = EntrySlot.random(in: 0..<slotCount, using: &generator)
            guard reference.contains(slot) else {
                evictor.insert(slot)
                return reference.insert(slot)
            }
            switch (Int.random(in: 0..<8, using: &generator), reference.isSuspended(slot)) {
            case (0, _):
                evictor.remove(slot)
                reference.remove(slot)
            case (1..<4, false):
                evictor.suspend(slot)
                reference.suspend(slot)
            case (1..<5, true):
                evictor.resume(slot)
                reference.resume(slot)
            default:
                evictor.recordHit(slot)
                reference.recordHit(slot)
            }
        }
    }

    @Test(arguments: EvictionPolicy.allCases, 1...4 as ClosedRange<UInt64>)
    func `an evictor agrees with the naive reference`(policy: EvictionPolicy, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var pair = Pair(evictor: policy.makeEvictor(), reference: ReferenceEvictor(policy: policy))
        let slotCount: EntrySlot = [3, 12, 40, 90][Int(seed) - 1]
        for step in 0..<3_000 {
            pair.step(slotCount: slotCount, using: &generator)
            let first = pair.evictor.firstCandidate
            guard first == pair.reference.firstCandidate else {
                Issue.record("step \(step): first candidate is \(String(describing: first))")
                return
            }
            guard step % 40 == 0 else { continue }
            guard pair.evictor.candidates() == pair.reference.candidates else {
                Issue.record("step \(step): the order differs")
                return
            }
        }
        #expect(pair.evictor.candidates() == pair.reference.candidates)
    }

    @Test func `a generator repeats its numbers for its seed`() {
        var generator = SeededGenerator(seed: 1_234_567)
        // The first outputs that the algorithm's authors publish for this seed.
        #expect(generator.next() == 6_457_827_717_110_365_317)
        #expect(generator.next() == 3_203_168_211_198_807_973)
        #expect(generator.next() == 9_817_491_932_198_370_423)
    }
}
