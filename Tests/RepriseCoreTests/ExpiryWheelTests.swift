import RepriseTesting
import Testing

@testable import RepriseCore

/// The timing wheel against a dictionary of deadlines.
@Suite struct ExpiryWheelTests {
    private static let capacity = 256
    /// 2026, so that the wheel's upper levels are in use.
    private static let start: Int64 = 1_780_000_000_000
    /// The wheel is built anew only when the clock is set back by more.
    private static let clockStep: Int64 = 1000

    /// A wheel, and what must be in it.
    private struct Model: ~Copyable {
        var wheel = ExpiryWheel(capacity: ExpiryWheelTests.capacity, now: ExpiryWheelTests.start)
        var deadlines: [EntrySlot: Int64] = [:]
        var now = ExpiryWheelTests.start
        /// Up to when the wheel has turned.
        var turned = ExpiryWheelTests.start

        mutating func insert(_ slot: EntrySlot, deadline: Int64) {
            if deadlines[slot] != nil { wheel.remove(slot) }
            wheel.insert(slot, deadline: deadline)
            deadlines[slot] = deadline
        }

        mutating func remove(_ slot: EntrySlot) {
            guard deadlines.removeValue(forKey: slot) != nil else { return }
            wheel.remove(slot)
        }

        /// Takes all that is due out, so many moves at a time.
        mutating func drain(budget budgetMax: Int) -> [EntrySlot] {
            var due: [EntrySlot] = []
            while true {
                var budget = budgetMax
                let slot = wheel.firstDue(now: now, budget: &budget)
                if let slot {
                    due.append(slot)
                    wheel.remove(slot)
                } else if budget > 0 {
                    break
                }
            }
            turned = now < turned - ExpiryWheelTests.clockStep ? now : max(turned, now)
            return due
        }

        mutating func drainAndCheck(budget: Int) {
            let due = drain(budget: budget)
            #expect(Set(due).count == due.count)
            for slot in due {
                let deadline = deadlines.removeValue(forKey: slot)
                #expect(deadline.map { $0 <= now } == true, "an entry came early")
            }
            let (count, next) = (wheel.count, wheel.nextTurn)
            #expect(count == deadlines.count)
            guard let earliest = deadlines.values.min() else {
                #expect(next == nil)
                return
            }
            // While the clock is a little behind the wheel, entries may be that much late.
            guard now >= turned else {
                #expect(earliest > turned - ExpiryWheelTests.clockStep - 10)
                return
            }
            #expect(earliest > now, "an entry did not come when it was due")
            #expect(next.map { $0 <= earliest && $0 > now } == true)
        }
    }

    private static func gap(_ generator: inout SeededGenerator) -> Int64 {
        let bitCount = Int.random(in: 0...44, using: &generator)
        return Int64.random(in: 0...(1 << Int64(bitCount)), using: &generator)
    }

    @Test(arguments: 0..<64 as Range<UInt64>)
    func `entries come due when their deadlines have come and not before`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var model = Model()
        for _ in 0..<4000 {
            let slot = EntrySlot.random(in: 0..<EntrySlot(Self.capacity), using: &generator)
            switch Int.random(in: 0..<16, using: &generator) {
            case 0..<7: model.insert(slot, deadline: model.now + Self.gap(&generator))
            case 7: model.insert(slot, deadline: .max - Self.gap(&generator))
            case 8: model.insert(slot, deadline: model.now - Int64.random(in: 0...9, using: &generator))
            case 9, 10: model.remove(slot)
            case 11, 12: model.now += Int64.random(in: 0...70, using: &generator)
            case 13: model.now += Self.gap(&generator) >> 12
            case 14: model.now -= Int64.random(in: 0...Self.clockStep, using: &generator)
            default:
                let isLarge = Int.random(in: 0..<8, using: &generator) == 0
                if isLarge { model.now -= Self.gap(&generator) }
            }
            model.now = max(model.now, 1_000_000)
            model.drainAndCheck(budget: Int.random(in: 1...3, using: &generator))
        }
    }

    @Test(arguments: 0..<64 as Range<UInt64>)
    func `many entries at once come due whatever the budget`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var model = Model()
        for slot in 0..<EntrySlot(Self.capacity) {
            model.insert(slot, deadline: model.now + Self.gap(&generator))
        }
        while !model.deadlines.isEmpty {
            model.now += 1 + Self.gap(&generator)
            model.drainAndCheck(budget: Int.random(in: 1...400, using: &generator))
        }
        let byteCount = model.wheel.byteCount
        #expect(byteCount == 0)
    }

    @Test(arguments: [1, 63, 64, 65, 4_095, 4_096, 262_143, 262_144, 1 << 36] as [Int64])
    func `an entry is due from its very millisecond on`(wait: Int64) {
        var model = Model()
        model.insert(7, deadline: Self.start + wait)
        model.now += wait - 1
        let early = model.drain(budget: 8)
        #expect(early == [])
        model.now += 1
        let due = model.drain(budget: 8)
        #expect(due == [7])
    }

    @Test func `the last deadline of all is kept and never due`() {
        var model = Model()
        model.insert(3, deadline: .max)
        model.insert(4, deadline: .max - 1)
        model.now = ExpiryWheel.deadlineMax - 1
        let due = model.drain(budget: 100)
        #expect(due == [])
        let deadline = model.wheel.deadline(of: 3)
        #expect(deadline == .max)
        model.remove(4)
        model.remove(3)
        let next = model.wheel.nextTurn
        #expect(next == nil)
    }

    @Test func `a clock set back by more than a second takes the wheel with it`() {
        var model = Model()
        model.now += 1_000_000
        model.drainAndCheck(budget: 1)
        model.now -= 1_000_000
        model.insert(1, deadline: model.now + 20)
        model.insert(2, deadline: model.now + 10)
        model.drainAndCheck(budget: 1)
        model.now += 10
        let first = model.drain(budget: 1)
        #expect(first == [2])
        model.now += 10
        let second = model.drain(budget: 1)
        #expect(second == [1])
    }
}
