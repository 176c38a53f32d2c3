import RepriseCore
import RepriseTesting
import Testing

/// Scripted sequences (K71): each policy's order, step by step.
@Suite struct EvictorOrderTests {
    /// One call on an evictor.
    enum Step {
        case insert(EntrySlot), hit(EntrySlot), suspend(EntrySlot), resume(EntrySlot), remove(EntrySlot)
    }

    struct Script: CustomTestStringConvertible {
        var testDescription: String
        var steps: [Step]
        var orders: [EvictionPolicy: [EntrySlot]]
    }

    static let scripts = [
        Script(
            testDescription: "insertions only",
            steps: [.insert(0), .insert(1), .insert(2)],
            orders: [.lru: [0, 1, 2], .mru: [2, 1, 0], .fifo: [0, 1, 2], .lfu: [0, 1, 2]]
        ),
        Script(
            testDescription: "slots far apart and in falling order",
            steps: [.insert(900), .insert(3), .insert(0)],
            orders: [.lru: [900, 3, 0], .mru: [0, 3, 900], .fifo: [900, 3, 0], .lfu: [900, 3, 0]]
        ),
        Script(
            testDescription: "hits of the oldest, the newest and a middle entry",
            steps: [.insert(0), .insert(1), .insert(2), .insert(3), .hit(0), .hit(0), .hit(2), .hit(3)],
            orders: [.lru: [1, 0, 2, 3], .mru: [3, 2, 0, 1], .fifo: [0, 1, 2, 3], .lfu: [1, 2, 3, 0]]
        ),
        Script(
            testDescription: "equal frequencies leave in the order in which they were reached",
            steps: [.insert(0), .insert(1), .insert(2), .hit(2), .hit(0), .hit(1), .insert(3)],
            orders: [.lru: [2, 0, 1, 3], .mru: [3, 1, 0, 2], .fifo: [0, 1, 2, 3], .lfu: [3, 2, 0, 1]]
        ),
        Script(
            testDescription: "a suspended entry is no candidate",
            steps: [.insert(0), .insert(1), .insert(2), .suspend(0), .suspend(1)],
            orders: [.lru: [2], .mru: [2], .fifo: [2], .lfu: [2]]
        ),
        Script(
            testDescription: "recency is the last release, insertion order is for good",
            steps: [.insert(0), .insert(1), .insert(2), .hit(0), .suspend(0), .hit(1), .resume(0)],
            orders: [.lru: [2, 1, 0], .mru: [0, 1, 2], .fifo: [0, 1, 2], .lfu: [2, 1, 0]]
        ),
        Script(
            testDescription: "hits while suspended count for the frequency alone",
            steps: [
                .insert(0), .insert(1), .insert(2), .suspend(0), .hit(0), .hit(0), .resume(0), .hit(1),
                .hit(2),
            ],
            orders: [.lru: [0, 1, 2], .mru: [2, 1, 0], .fifo: [0, 1, 2], .lfu: [1, 2, 0]]
        ),
        Script(
            testDescription: "a removed slot starts anew",
            steps: [.insert(0), .hit(0), .hit(0), .insert(1), .suspend(0), .remove(0), .hit(1), .insert(0)],
            orders: [.lru: [1, 0], .mru: [0, 1], .fifo: [1, 0], .lfu: [0, 1]]
        ),
        Script(
            testDescription: "nothing is left",
            steps: [.insert(0), .insert(1), .remove(1), .suspend(0)],
            orders: [.lru: [], .mru: [], .fifo: [], .lfu: []]
        ),
    ]

    @Test(arguments: scripts, EvictionPolicy.allCases)
    func `candidates stand in the policy's order`(script: Script, policy: EvictionPolicy) {
        let evictor = policy.makeEvictor()
        for step in script.steps {
            switch step {
            case .insert(let slot): evictor.insert(slot)
            case .hit(let slot): evictor.recordHit(slot)
            case .suspend(let slot): evictor.suspend(slot)
            case .resume(let slot): evictor.resume(slot)
            case .remove(let slot): evictor.remove(slot)
            }
        }
        #expect(evictor.candidates() == script.orders[policy, default: []])
    }

    @Test(arguments: EvictionPolicy.allCases)
    func `a hint of what will be asked for changes nothing`(policy: EvictionPolicy) {
        let evictor = policy.makeEvictor()
        for slot in 0..<3 as Range<EntrySlot> { evictor.insert(slot) }
        let order = evictor.candidates()
        for slot in order { evictor.prefetch(slot) }
        #expect(evictor.candidates() == order)
    }

    @Test func `a prefix released from its tail to its head is evicted from the tail`() {
        let evictor = LRUEvictor()
        let prefix: [EntrySlot] = [0, 1, 2, 3]
        for slot in prefix { evictor.insert(slot) }
        for slot in prefix.reversed() {
            evictor.recordHit(slot)
            evictor.suspend(slot)
        }
        for slot in prefix.reversed() { evictor.resume(slot) }
        #expect(evictor.candidates() == [3, 2, 1, 0])
    }

    @Test func `frequencies skipped over by suspended entries are found again`() {
        let evictor = LFUEvictor()
        for slot in 0..<4 as Range<EntrySlot> {
            evictor.insert(slot)
            for _ in 0..<slot { evictor.recordHit(slot) }
        }
        // Frequencies are now 1, 2, 3 and 4; 0 and 1 keep theirs while nothing else has them.
        evictor.suspend(0)
        evictor.suspend(1)
        #expect(evictor.candidates() == [2, 3])
        evictor.insert(4)
        evictor.resume(1)
        evictor.resume(0)
        #expect(evictor.candidates() == [4, 0, 1, 2, 3])
    }
}

extension Evictor {
    /// All candidates, in order.
    func candidates() -> [EntrySlot] {
        var slots: [EntrySlot] = []
        var next = firstCandidate
        while let slot = next {
            slots.append(slot)
            next = candidate(after: slot)
        }
        return slots
    }
}
