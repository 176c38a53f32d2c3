import RepriseTesting
import Testing

@testable import RepriseCore

/// Random batches on a backend whose values expire, and on the plainest store that does the same.
@Suite struct ExpiringStoreModelTests {
    private typealias Model = ExpiringStoreModel

    private final class Runner {
        let timed: TimedBackend
        var model: Model
        var generator: SeededGenerator
        /// Values that were found and are still being read.
        var held: [(value: Model.Value, object: MemoryObject)] = []
        var steps: [(key: String, action: Model.Action)] = []
        var version = 0
        /// How many requests for room were deferred, and how many were told to try again.
        var deferredCount = 0
        let toldCount = Lock(0)
        var violation: String?

        init(seed: UInt64, capacity: Int) throws {
            timed = try TimedBackend(blockCount: capacity)
            model = Model(capacity: capacity, now: TimedBackend.start)
            generator = SeededGenerator(seed: seed)
        }

        func random(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

        func expect(_ condition: Bool, _ text: @autoclosure () -> String) {
            if !condition, violation == nil { violation = text() }
        }

        /// A time that has often passed or is near.
        func deadline() -> Int64 { model.now + Int64(random(8) == 0 ? random(1 << 20) : random(40) - 4) }

        func operation() -> StoreBatch.Operation {
            switch random(16) {
            case 0..<4: .acquire
            case 4: .contains
            case 5: .peek
            case 6: .byteCount
            case 7: .physicalByteCount
            case 8, 9: .deadline
            case 10: .remove
            case 11: .persist
            default: .setDeadline(milliseconds: deadline(), DeadlineCondition(rawValue: UInt8(random(16))))
            }
        }

        func append(to batch: inout StoreBatch) {
            let key = "\(random(24))"
            let isParted = random(4) > 0
            guard random(3) == 0 else {
                let operation = operation()
                batch.append(operation, key: Array(key.utf8).rawSpan, mayYield: isParted)
                steps.append((key, .query(operation)))
                return
            }
            guard let reservation = reserve() else { return }
            let expiry: PutExpiry =
                switch random(4) {
                case 0: .never
                case 1: .kept
                default: .at(milliseconds: deadline())
                }
            let put = Model.Put(
                value: Model.Value(version: version, byteCount: reservation.object.byteCount),
                condition: [.always, .always, .ifAbsent, .ifPresent][random(4)],
                expiry: expiry,
                wantsPrevious: random(3) == 0
            )
            batch.append(
                putting: reservation,
                key: Array(key.utf8).rawSpan,
                condition: put.condition,
                expiry: expiry,
                wantsPrevious: put.wantsPrevious,
                mayYield: isParted
            )
            steps.append((key, .put(put)))
        }

        func reserve() -> Reservation? {
            let byteCount = 8 + random(4_089)
            let expected = model.reserve()
            let outcome = timed.backend.reserve(
                byteCount: byteCount,
                metadata: MemoryPoolTests.bytes(byteCount),
                whenRoomReturns: { [toldCount] in toldCount.withLock { $0 += 1 } }
            )
            switch consume outcome {
            case .reserved(let reservation):
                expect(expected == "reserved", "room was reserved and should be \(expected)")
                version += 1
                let bytes = (0..<8).map { UInt8(truncatingIfNeeded: version >> ($0 * 8)) }
                reservation.object.copy(from: bytes.rawSpan)
                return reservation
            case .deferred:
                deferredCount += 1
                expect(expected == "deferred", "a reservation was deferred and should be \(expected)")
            case .noRoom: expect(expected == "noRoom", "no room was found and should be \(expected)")
            case .tooLarge: expect(false, "a block is too large")
            }
            return nil
        }

        /// Makes, performs and empties one batch.
        func performBatch() {
            var batch = StoreBatch()
            steps = []
            let count = random(50) == 0 ? 300 + random(400) : random(12)
            for _ in 0..<count { append(to: &batch) }
            var allowance = Model.Allowance(byteCount: .max, mayPassWithOne: true)
            if random(3) == 0 {
                allowance = Model.Allowance(byteCount: random(9_000), mayPassWithOne: random(2) == 0)
                limit(&batch, to: allowance)
            }
            var found: [Model.Value?] = []
            while true {
                timed.backend.perform(&batch)
                follow(&batch, &allowance, &found)
                guard found.count < steps.count, violation == nil else { break }
                // What is behind the step that may not be held is given back sometimes.
                if random(4) == 0 { break }
                guard skipNext(&batch, &found) else { break }
            }
            giveBack(&batch, found)
        }

        /// Limits what a batch may hold, in one of the two ways.
        private func limit(_ batch: inout StoreBatch, to allowance: Model.Allowance) {
            let tight = StoreBatch.Allowance(
                byteCount: allowance.byteCount,
                mayPassWithOne: allowance.mayPassWithOne
            )
            let wide = StoreBatch.Allowance(byteCount: .max, mayPassWithOne: false)
            let isOwn = random(2) == 0
            batch.limitHeldBytes(to: isOwn ? tight : wide, isOwn ? wide : tight)
        }

        /// Does what the batch has done, and compares what it came to.
        private func follow(
            _ batch: inout StoreBatch,
            _ allowance: inout Model.Allowance,
            _ found: inout [Model.Value?]
        ) {
            while found.count < steps.count {
                let index = found.count
                let (key, action) = steps[index]
                guard let expected = model.perform(action, key, &allowance) else { break }
                found.append(expected.found)
                guard index < batch.performedCount else {
                    return expect(false, "step \(index), \(action), was not performed")
                }
                let result = batch.result(at: index)
                expect(result == expected.result, "\(action) of \(key): \(result), not \(expected.result)")
            }
            let performedCount = batch.performedCount
            expect(performedCount == found.count, "\(performedCount) steps performed, not \(found.count)")
        }

        /// Passes over the step that may not be held; a put, which would lose the previous value, is not.
        private func skipNext(_ batch: inout StoreBatch, _ found: inout [Model.Value?]) -> Bool {
            var isPut = false
            if case .put = steps[found.count].action { isPut = true }
            let isSkipped = batch.skipNext()
            expect(
                isSkipped != isPut,
                "\(steps[found.count].action) was \(isSkipped ? "" : "not ")passed over"
            )
            if isSkipped { found.append(nil) }
            return isSkipped
        }

        private func giveBack(_ batch: inout StoreBatch, _ found: [Model.Value?]) {
            var taken: Set<Int> = []
            for index in steps.indices {
                if index >= found.count {
                    guard case .put = steps[index].action else { continue }
                    if random(2) == 0 { _ = batch.takeReservation(at: index) }
                    model.reservedCount -= 1
                    continue
                }
                guard random(3) == 0 else { continue }
                let object = batch.takeObject(at: index)
                expect((object == nil) == (found[index] == nil), "step \(index) has an object, or has none")
                guard let object, let value = found[index] else { continue }
                held.append((value, object))
                taken.insert(index)
            }
            batch.removeAll()
            for (index, value) in found.enumerated() where !taken.contains(index) {
                if let value { model.letGo(value.version) }
            }
        }

        /// Lets go of one value after comparing its bytes.
        func letGo() {
            guard !held.isEmpty else { return }
            let (value, object) = held.remove(at: random(held.count))
            let version = object.bytes.loadLittleEndian(at: 0, as: UInt64.self)
            expect(version == UInt64(value.version), "version \(value.version) reads as \(version)")
            expect(object.byteCount == value.byteCount, "a value has \(object.byteCount) bytes")
            object.release()
            model.letGo(value.version)
        }

        func removeExpired() {
            let next = timed.backend.removeExpired()
            model.removeExpired()
            let earliest = model.entries.values.compactMap(\.deadline).min()
            let isRight = next.map { $0 > model.now && $0 <= earliest ?? .min } ?? (earliest == nil)
            expect(isRight, "look again at \(String(describing: next)), not \(String(describing: earliest))")
        }

        func wait() {
            let milliseconds = Int64(random(20) == 0 ? random(1 << 18) : random(12))
            timed.wait(milliseconds)
            model.now += milliseconds
        }

        func step() {
            switch random(100) {
            case 0..<60: performBatch()
            case 60..<75: letGo()
            case 75..<88: wait()
            case 88..<99: removeExpired()
            default:
                timed.backend.removeAll()
                for key in model.order { model.drop(key) }
            }
        }

        /// Compares what is stored, its order and the accounting.
        func check() {
            let (backend, statistics) = (timed.backend, timed.backend.statistics)
            let live = model.liveKeys.map { StorageKey($0) }
            expect(backend.keys == live, "keys \(backend.keys), not \(live)")
            expect(Set(backend.scan(from: 0, count: 1_000).keys) == Set(live), "a scan finds other keys")
            let used = model.order.count + model.detachedCount
            expect(backend.pool.usedByteCount == used * 4_096, "\(backend.pool.usedByteCount) bytes are used")
            expect(statistics.entryCount == model.order.count, "\(statistics.entryCount) entries")
            let payload = model.entries.values.reduce(0) { $0 + $1.byteCount }
            expect(statistics.payloadByteCount == payload, "\(statistics.payloadByteCount) payload bytes")
            let expiring = model.entries.values.filter { $0.deadline != nil }.count
            expect(statistics.expiringCount == expiring, "\(statistics.expiringCount) entries expire")
            expect(statistics.reservedByteCount == 0, "\(statistics.reservedByteCount) bytes are reserved")
            expect(
                [statistics.hitCount, statistics.missCount, statistics.putCount, statistics.expiredCount]
                    == [model.hitCount, model.missCount, model.putCount, model.expiredCount],
                "\(statistics) does not count right"
            )
            let told = toldCount.withLock { $0 }
            expect(told == deferredCount, "\(told) of \(deferredCount) were told that room returned")
        }
    }

    @Test(arguments: 0..<32 as Range<UInt64>)
    func `batches and expiry agree with the plainest store after every call`(seed: UInt64) throws {
        let runner = try Runner(seed: seed, capacity: [1, 8, 16, 64][Int(seed % 4)])
        for number in 0..<1_500 where runner.violation == nil {
            runner.step()
            runner.check()
            if let found = runner.violation { runner.violation = "seed \(seed), call \(number): \(found)" }
        }
        #expect(runner.violation == nil)
        runner.timed.backend.close()
        for (_, object) in runner.held { object.release() }
        #expect(runner.timed.backend.pool.usedByteCount == 0)
        #expect(runner.timed.backend.pool.consistencyCheck() == nil)
    }
}
