import RepriseTesting
import Testing

@testable import RepriseCore

/// Random operations on the allocator and on the model of it.
@Suite struct SegregatedFitModelTests {
    /// Steps for each seed; `REPRISE_MODEL_STEPS` sets another number.
    static let stepCount =
        FileSystem.environmentVariable("REPRISE_MODEL_STEPS").flatMap { Int($0) } ?? 20_000

    /// A length: mostly short and sometimes long; or, when `similar`, most within two size classes.
    static func randomLength(similar: Bool, _ generator: inout SeededGenerator) -> UInt32 {
        switch (similar, generator.next() % 8) {
        case (true, 0...5): UInt32.random(in: 64...67, using: &generator)
        case (true, _): UInt32.random(in: 1...2, using: &generator)
        case (false, 0...3): UInt32.random(in: 1...4, using: &generator)
        case (false, 4...6): UInt32.random(in: 1...70, using: &generator)
        case (false, _): UInt32.random(in: 60...400, using: &generator)
        }
    }

    /// One operation; a share of `fillPercent` of the common ones allocates, the others free.
    static func step(
        _ harness: SegregatedFitHarness,
        similar: Bool,
        fillPercent: UInt64,
        _ generator: inout SeededGenerator
    ) {
        let count = harness.intervals.count
        switch generator.next() % 100 {
        case 0..<fillPercent: harness.allocate(randomLength(similar: similar, &generator))
        case fillPercent..<88:
            if count > 0 { harness.free(index: Int.random(in: 0..<count, using: &generator)) }
        case 88..<92:
            harness.allocate(
                randomLength(similar: similar, &generator),
                times: Int.random(in: 0...6, using: &generator)
            )
        case 92..<97:
            guard count > 0 else { return }
            let index = Int.random(in: 0..<count, using: &generator)
            harness.replaceSpan(around: index, withUnitCount: randomLength(similar: similar, &generator))
        default:
            let room = harness.unitCountMax - harness.unitCount
            harness.grow(byUnits: min(room, UInt32.random(in: 0...16, using: &generator)))
        }
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `random operations agree with a list of intervals`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var harness = SegregatedFitHarness(unitCount: 0, growingTo: 4_096)
        for step in 0..<Self.stepCount {
            // Small and growing at first; later runs begin anew, so that growth is met again and again.
            if step % 10_000 == 9_999 {
                harness = SegregatedFitHarness(
                    unitCount: UInt32(step / 10_000 % 3) * 600,
                    growingTo: 4_096
                )
            }
            // The space fills up, stays nearly full and drains, in turn.
            Self.step(
                harness,
                similar: seed % 2 == 1,
                fillPercent: [70, 44, 20][step / 2_000 % 3],
                &generator
            )
            if step % 61 == 0 { harness.check() }
            guard harness.violation == nil else { break }
        }
        harness.check()
        #expect(harness.violation == nil, "seed \(seed)")
    }
}
