import RepriseTesting
import Testing

@testable import RepriseCore

/// Random steps on a small memory with a slower tier behind it, and on one plain store of all keys.
@Suite struct SlowerTierModelTests {
    private final class Runner {
        let tiered: TieredBackend
        /// Whether values may be lost: tasks are dropped and copies evicted behind.
        let mayLose: Bool
        var model = SlowerTierModel()
        var generator: SeededGenerator
        var version = 0
        var loadCount = 0
        var violation: String?

        init(seed: UInt64, mayLose: Bool) throws {
            tiered = try TieredBackend(blockCount: 12)
            self.mayLose = mayLose
            generator = SeededGenerator(seed: seed)
        }

        func random(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

        func expect(_ condition: Bool, _ text: @autoclosure () -> String) {
            if !condition, violation == nil { violation = text() }
        }

        func key() -> StorageKey { StorageKey("key-\(random(32))") }

        func deadline() -> Int64 { tiered.now + Int64(random(60) - 4) }

        func step() -> SlowerTierModel.Step {
            switch random(20) {
            case 0..<6: return .query(.acquire)
            case 6: return .query(.contains)
            case 7: return .query(.peek)
            case 8: return .query(.byteCount)
            case 9: return .query(.deadline)
            case 10: return .query(.remove)
            case 11: return .query(.persist)
            case 12, 13:
                let condition = DeadlineCondition(rawValue: UInt8(random(16)))
                return .query(.setDeadline(milliseconds: deadline(), condition))
            default:
                version += 1
                // What is lost has no deadline to keep.
                let expiry: [PutExpiry] = [
                    .never, .never, mayLose ? .never : .kept, .at(milliseconds: deadline()),
                ]
                return .put(
                    version: version,
                    [.always, .always, .ifAbsent, .ifPresent][random(4)],
                    expiry[random(4)],
                    wantsPrevious: random(3) == 0
                )
            }
        }

        /// Performs a step, waiting for loads as a connection would, and compares what it came to.
        func perform(_ step: SlowerTierModel.Step, _ key: StorageKey) {
            var absent: Set<StorageKey> = []
            for _ in 0..<8 {
                let hadCopy = tiered.tier.isStored(key)
                guard let outcome = attempt(step, key, absent) else { return }
                if outcome.coldKeys.isEmpty {
                    check(outcome, step, key, isAbsent: absent.contains(key), hadCopy: hadCopy)
                    return
                }
                expect(outcome.coldKeys == [key], "cold keys \(outcome.coldKeys) for \(key)")
                if !load(key) { absent.insert(key) }
            }
            expect(false, "\(step) of \(key) waits for ever")
        }

        private func attempt(
            _ step: SlowerTierModel.Step,
            _ key: StorageKey,
            _ absent: Set<StorageKey>
        ) -> TieredBackend.Outcome? {
            switch step {
            case .query(let operation): return tiered.perform(operation, key, absent: absent)
            case .put(let version, let condition, let expiry, let wantsPrevious):
                if random(4) == 0 { tiered.tier.write() }
                for _ in 0..<2 {
                    let outcome = tiered.put(
                        key,
                        version: version,
                        condition,
                        expiry,
                        wantsPrevious: wantsPrevious,
                        absent: absent
                    )
                    if let outcome { return outcome }
                    // Everything is in use until it is written.
                    tiered.tier.write()
                }
                expect(false, "no room though nothing is in use")
                return nil
            }
        }

        /// Loads a key; others come in between, and some loads fail.
        private func load(_ key: StorageKey) -> Bool {
            loadCount += 1
            let loaded = Lock<MemoryObject?>(nil)
            tiered.tier.load(key) { object in loaded.withLock { $0 = object } }
            if loaded.withLock({ $0 == nil }), random(3) == 0 { perform(interruption(), key) }
            tiered.tier.finishLoads(random(8) == 0 ? .fault : .value)
            let object = loaded.withLock { $0 }
            if let object {
                let expected = model.live(key, tiered.now)?.version
                let found = TieredBackend.version(of: object)
                expect(found == expected, "loaded version \(found) of \(key), not \(expected ?? -1)")
            }
            object?.release()
            return object != nil
        }

        private func interruption() -> SlowerTierModel.Step {
            switch random(4) {
            case 0: .query(.remove)
            case 1: .query(.persist)
            case 2: .query(.setDeadline(milliseconds: deadline(), []))
            default: .put(version: nextVersion(), .always, .never, wantsPrevious: false)
            }
        }

        private func nextVersion() -> Int {
            version += 1
            return version
        }

        private func check(
            _ outcome: TieredBackend.Outcome,
            _ step: SlowerTierModel.Step,
            _ key: StorageKey,
            isAbsent: Bool,
            hadCopy: Bool
        ) {
            let found = SlowerTierModel.Result(result: outcome.result, version: outcome.version)
            // What could not be loaded may have been put meanwhile: then it is found.
            for couldNotLoad in isAbsent ? [false, true] : [false] {
                var next = model
                let expected = next.perform(step, key, now: tiered.now, couldNotLoad: couldNotLoad)
                guard found == expected else { continue }
                let isChanged = next.entries[key] != model.entries[key]
                expect(!hadCopy || !isChanged || outcome.change != nil, "\(step) of \(key) is not recorded")
                model = next
                return
            }
            let before = model.live(key, tiered.now)
            model.entries[key] = nil
            let lost = model.perform(step, key, now: tiered.now)
            expect(mayLose && found == lost, "\(step) of \(key), \(before as Any), is \(found)")
        }

        func performSomething() {
            switch random(60) {
            case 0: tiered.time.withLock { $0 += Int64(random(12)) }
            case 1: tiered.backend.removeExpired()
            case 2..<8: tiered.tier.write()
            case 8: tiered.tier.record()
            case 9 where mayLose: tiered.tier.evict(key())
            case 10 where mayLose: tiered.tier.dropsOffers.toggle()
            case 11 where random(8) == 0:
                _ = tiered.backend.removeAllRecording()
                model.entries = [:]
            case 12: tiered.tier.waits = [.loads, random(2) == 0 ? .writes : []]
            default: perform(step(), key())
            }
        }

        /// Checks every key, and that nothing but what is stored is in use.
        func finish() {
            tiered.tier.waits = []
            tiered.tier.start()
            for number in 0..<32 { perform(.query(.acquire), StorageKey("key-\(number)")) }
            tiered.tier.start()
            let statistics = tiered.backend.statistics
            expect(tiered.backend.pool.usedByteCount == statistics.entryByteCount, "bytes are left in use")
            expect(tiered.tier.unrecordedCount == 0 && tiered.tier.queuedCount == 0, "tasks are left")
        }
    }

    @Test(arguments: [false, true], 0..<24 as Range<UInt64>)
    func `no step finds an old value, and none is lost that was not dropped`(
        mayLose: Bool,
        seed: UInt64
    ) throws {
        let runner = try Runner(seed: seed, mayLose: mayLose)
        for _ in 0..<1500 where runner.violation == nil { runner.performSomething() }
        if runner.violation == nil { runner.finish() }
        #expect(runner.violation == nil)
        #expect(runner.loadCount > 20)
        #expect(runner.tiered.backend.statistics.promotionCount > 10)
    }
}
