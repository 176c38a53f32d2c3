import RepriseCore
import RepriseTesting
import Testing

/// Every policy on the real trace: caches of an exact number of blocks, the block id as slot.
@Suite struct EvictorTraceTests {
    /// What a run over the trace came to.
    struct Run {
        var hitCount = 0
        var referenceCount = 0
        var evictionCount = 0
        var differingVictim: (expected: UInt32, actual: UInt32?)?

        var hitRate: Double { Double(hitCount) / Double(referenceCount) }
    }

    /// Looks up whole requests, then inserts them; stops at the first victim that differs from the
    /// reference's.
    static func run(_ trace: ConversationTrace, policy: EvictionPolicy, capacity: Int) -> Run {
        var run = Run()
        let evictor = policy.makeEvictor()
        var reference = ReferenceEvictorQueue(policy: policy, blockIDCount: trace.blockIDCount)
        var count = 0
        for request in trace.requests {
            run.referenceCount += request.count
            for block in request where reference.contains(block) { run.hitCount += 1 }
            for block in request {
                if reference.contains(block) {
                    evictor.recordHit(block)
                    reference.recordHit(block)
                    continue
                }
                if count == capacity {
                    let expected = reference.evict()
                    guard evictor.firstCandidate == expected else {
                        run.differingVictim = (expected, evictor.firstCandidate)
                        return run
                    }
                    evictor.remove(expected)
                    run.evictionCount += 1
                    count -= 1
                }
                evictor.insert(block)
                reference.insert(block)
                count += 1
            }
        }
        return run
    }

    @Test(
        .enabled(if: ConversationTrace.shared != nil, Comment(rawValue: ConversationTrace.absenceReason)),
        arguments: [EvictionPolicy.lru, .lfu, .fifo, .mru],
        [1_000, 10_000]
    )
    func `victims are those of the reference`(policy: EvictionPolicy, capacity: Int) throws {
        let trace = try #require(ConversationTrace.shared)
        let run = Self.run(trace, policy: policy, capacity: capacity)
        #expect(run.differingVictim == nil)
        #expect(run.referenceCount == 288_500)
        #expect(run.evictionCount > 100_000)
        // The published hit rates of LRU with exact capacity.
        if policy == .lru { #expect(abs(run.hitRate - (capacity == 1_000 ? 0.045 : 0.212)) < 0.002) }
    }

    @Test func `the trace's reader takes the ids of each line`() {
        let lines = """
            {"timestamp": 0, "input_length": 1025, "output_length": 7, "hash_ids": [0, 14, 205]}
            {"timestamp": 27, "input_length": 0, "output_length": 7, "hash_ids": []}
            {"timestamp": 31, "input_length": 3, "output_length": 7, "hash_ids":[9]}
            """
        let trace = ConversationTrace(jsonLines: Array(lines.utf8))
        #expect(trace.requests == [[0, 14, 205], [], [9]])
        #expect(trace.blockIDCount == 206)
    }
}
