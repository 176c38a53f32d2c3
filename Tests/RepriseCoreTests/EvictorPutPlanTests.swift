import RepriseCore
import Testing

/// Admission by bytes (K44 to K47), on a cache that only counts; where LMCache's tests say file, read record.
@Suite struct EvictorPutPlanTests {
    /// Keys with sizes, kept within a capacity by an evictor's plans.
    struct ByteCache {
        let evictor: any Evictor
        let capacityByteCount: Int
        /// The stored sizes by slot.
        var records: [EntrySlot: Int] = [:]

        var inUseByteCount: Int { records.values.reduce(0, +) }

        func plan(_ byteCount: Int, replacing slot: EntrySlot? = nil) -> (
            victims: [EntrySlot], status: PutStatus
        ) {
            evictor.planPut(
                byteCount: byteCount,
                capacityByteCount: capacityByteCount,
                inUseByteCount: inUseByteCount,
                replacing: slot,
                byteCountOf: { records[$0] ?? 0 }
            )
        }

        mutating func put(_ slot: EntrySlot, byteCount: Int) -> PutStatus {
            let isOverwrite = records[slot] != nil
            let plan = plan(byteCount, replacing: isOverwrite ? slot : nil)
            guard plan.status == .legal else { return plan.status }
            for victim in plan.victims + (isOverwrite ? [slot] : []) {
                evictor.remove(victim)
                records[victim] = nil
            }
            records[slot] = byteCount
            evictor.insert(slot)
            return .legal
        }
    }

    static func fullCache(_ policy: EvictionPolicy = .lru) -> ByteCache {
        var cache = ByteCache(evictor: policy.makeEvictor(), capacityByteCount: 30)
        for slot in 0..<3 as Range<EntrySlot> { _ = cache.put(slot, byteCount: 10) }
        return cache
    }

    @Test func `K44 a third chunk takes the place of the one that was not hit`() {
        var cache = ByteCache(evictor: LRUEvictor(), capacityByteCount: 20)
        #expect(cache.put(1, byteCount: 10) == .legal)
        #expect(cache.put(2, byteCount: 10) == .legal)
        cache.evictor.recordHit(1)
        #expect(cache.put(3, byteCount: 10) == .legal)
        #expect(cache.records.keys.sorted() == [1, 3])
        #expect(cache.evictor.candidates() == [1, 3])
    }

    @Test(arguments: EvictionPolicy.allCases)
    func `K45 a value larger than the capacity is illegal and evicts nothing`(policy: EvictionPolicy) {
        var cache = Self.fullCache(policy)
        let order = cache.evictor.candidates()
        #expect(cache.plan(31).victims == [])
        #expect(cache.put(7, byteCount: 31) == .illegal)
        #expect(cache.put(7, byteCount: .max) == .illegal)
        #expect(cache.records == [0: 10, 1: 10, 2: 10])
        #expect(cache.evictor.candidates() == order)
    }

    @Test(arguments: [EvictionPolicy.lru, .lfu, .fifo, .mru])
    func `K45 a value of just the capacity is legal`(policy: EvictionPolicy) {
        var cache = Self.fullCache(policy)
        #expect(cache.put(7, byteCount: 30) == .legal)
        #expect(cache.records == [7: 30])
    }

    @Test func `K46 the records of all victims are gone and the others stay`() {
        var cache = Self.fullCache()
        #expect(cache.put(7, byteCount: 11) == .legal)
        #expect(cache.records == [2: 10, 7: 11])
        #expect(cache.inUseByteCount == 21)
    }

    @Test func `K47 the dummy evictor never evicts`() {
        var cache = Self.fullCache(.dummy)
        #expect(cache.put(7, byteCount: 1) == .noRoom)
        #expect(cache.records == [0: 10, 1: 10, 2: 10])
        cache.records[0] = nil
        #expect(cache.put(7, byteCount: 10) == .legal)
        #expect(cache.put(8, byteCount: 0) == .legal)
    }

    @Test func `victims come in the order of eviction and are as few as suffice`() {
        let cache = Self.fullCache()
        cache.evictor.recordHit(0)
        #expect(cache.plan(10).victims == [1])
        #expect(cache.plan(20).victims == [1, 2])
        #expect(cache.plan(0).victims == [])
        #expect(Self.fullCache(.mru).plan(11).victims == [2, 1])
    }

    @Test func `a plan changes nothing`() {
        let cache = Self.fullCache()
        _ = cache.plan(30)
        #expect(cache.evictor.candidates() == [0, 1, 2])
    }

    @Test func `there are no victims when all of them would not suffice`() {
        let cache = Self.fullCache()
        cache.evictor.suspend(1)
        #expect(cache.plan(21).status == .noRoom)
        #expect(cache.plan(21).victims == [])
        #expect(cache.plan(20).status == .legal)
        #expect(cache.plan(20).victims == [0, 2])
    }

    @Test func `writes in flight that fill the capacity leave no room and no crash`() {
        let plan = LRUEvictor().planPut(
            byteCount: 10,
            capacityByteCount: 30,
            inUseByteCount: 30,
            byteCountOf: { _ in 10 }
        )
        #expect(plan.victims == [])
        #expect(plan.status == .noRoom)
    }

    @Test func `an overwrite counts once and evicts no other entry`() {
        var cache = Self.fullCache()
        #expect(cache.put(0, byteCount: 10) == .legal)
        #expect(cache.records == [0: 10, 1: 10, 2: 10])
        #expect(cache.evictor.candidates() == [1, 2, 0])
        #expect(cache.put(1, byteCount: 15) == .legal)
        #expect(cache.records == [0: 10, 1: 15])
    }

    @Test func `the replaced entry is never a victim`() {
        let cache = Self.fullCache()
        #expect(cache.plan(20, replacing: 0).victims == [1])
        #expect(cache.plan(30, replacing: 0).victims == [1, 2])
    }

    @Test func `removals give their bytes back`() {
        var cache = Self.fullCache()
        cache.evictor.remove(1)
        cache.records[1] = nil
        #expect(cache.plan(10).victims == [])
        #expect(cache.put(5, byteCount: 10) == .legal)
        #expect(cache.records.keys.sorted() == [0, 2, 5])
    }

    @Test func `a capacity that was lowered below the use is reached again`() {
        let evictor = LRUEvictor()
        for slot in 0..<5 as Range<EntrySlot> { evictor.insert(slot) }
        let plan = evictor.planPut(
            byteCount: 10,
            capacityByteCount: 20,
            inUseByteCount: 50,
            byteCountOf: { _ in 10 }
        )
        #expect(plan.victims == [0, 1, 2, 3])
        let extreme = evictor.planPut(
            byteCount: .max,
            capacityByteCount: .max,
            inUseByteCount: .max,
            byteCountOf: { _ in 10 }
        )
        #expect(extreme.status == .noRoom)
    }

    @Test func `a negative size traps`() async {
        await #expect(processExitsWith: .failure) {
            _ = LRUEvictor().planPut(
                byteCount: -1,
                capacityByteCount: 1,
                inUseByteCount: 0,
                byteCountOf: { _ in 0 }
            )
        }
    }
}
