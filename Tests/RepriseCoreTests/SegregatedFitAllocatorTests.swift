import RepriseTesting
import Testing

@testable import RepriseCore

/// LMCache's AddressManager suite (K13 to K18), in units instead of bytes.
@Suite struct SegregatedFitAllocatorTests {
    /// A harness with blocks of the given lengths, which fill it.
    static func full(_ lengths: [UInt32]) -> SegregatedFitHarness {
        let harness = SegregatedFitHarness(unitCount: lengths.reduce(0, +))
        for length in lengths { harness.allocate(length) }
        return harness
    }

    @Test func `K13 a new allocator is all free`() {
        let harness = SegregatedFitHarness(unitCount: 100)
        harness.check()
        #expect(harness.usedUnitCount == 0)
        #expect(harness.freeUnitCount == 100)
        #expect(harness.violation == nil)
    }

    @Test func `K13 an allocator of no units is valid and every allocation fails`() {
        let harness = SegregatedFitHarness(unitCount: 0)
        harness.check()
        for count in [1, 2, UInt32.max] { #expect(harness.allocate(count) == nil) }
        #expect(harness.violation == nil)
    }

    @Test(arguments: [(0, 1), (1, 1), (4095, 1), (4096, 1), (4097, 2), (8192, 2), (1 << 40, 1 << 28)])
    func `K13 bytes are rounded up to whole units`(byteCount: Int, unitCount: UInt32) {
        #expect(AllocationUnit.count(forByteCount: byteCount) == unitCount)
        #expect(AllocationUnit.alignedByteCount(byteCount) == Int(unitCount) * 4096)
    }

    @Test(arguments: [-1, -4096, Int.min, Int.max, (1 << 44) + 1])
    func `K15 byte counts that are negative or too large have no units`(byteCount: Int) {
        #expect(AllocationUnit.count(forByteCount: byteCount) == nil)
        #expect(AllocationUnit.alignedByteCount(byteCount) == nil)
    }

    @Test func `K14 allocations never overlap and the counters add up`() {
        let harness = SegregatedFitHarness(unitCount: 1_000)
        #expect(harness.allocate(1) == 0)
        for count in 2...40 as ClosedRange<UInt32> {
            harness.allocate(count)
            #expect(harness.usedUnitCount + harness.freeUnitCount == 1_000)
        }
        harness.check()
        #expect(harness.violation == nil)
    }

    @Test func `K15 a request that does not fit changes nothing`() {
        let harness = SegregatedFitHarness(unitCount: 10)
        harness.allocate(6)
        for count in [5, 10, 11, UInt32.max] { #expect(harness.allocate(count) == nil) }
        #expect(harness.usedUnitCount == 6)
        #expect(harness.allocate(4) == 6)
        harness.check()
        #expect(harness.violation == nil)
    }

    @Test func `K15 a request of no units traps`() async {
        await #expect(processExitsWith: .failure) {
            var allocator = SegregatedFitAllocator(unitCount: 10)
            _ = allocator.allocate(unitCount: 0)
        }
    }

    @Test(arguments: [[2, 1], [0, 1], [0, 2, 1], [2, 0, 1], [3, 2, 1, 0], [0, 1, 2, 3]])
    func `K16 freed neighbours become one block`(order: [Int]) {
        let harness = Self.full([1, 1, 1, 1])
        let starts = harness.intervals.map(\.start)
        for index in order { harness.free(start: starts[index]) }
        #expect(harness.allocate(UInt32(order.count)) == UInt32(order.min() ?? 0))
        harness.check()
        #expect(harness.violation == nil)
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `K16 after frees in random order the whole space can be had at 0`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let harness = SegregatedFitHarness(unitCount: 500)
        while harness.allocate(UInt32.random(in: 1...20, using: &generator)) != nil {}
        for start in harness.intervals.map(\.start).shuffled(using: &generator) {
            harness.free(start: start)
            harness.check()
        }
        #expect(harness.freeUnitCount == 500)
        #expect(harness.allocate(500) == 0)
        #expect(harness.violation == nil)
    }

    @Test func `K16 a hundred cycles of filling and freeing stay consistent`() {
        let harness = SegregatedFitHarness(unitCount: 64)
        for cycle in 0..<100 {
            let length = UInt32(cycle % 7 + 1)
            while harness.allocate(length) != nil {}
            #expect(harness.usedUnitCount == 64 / length * length)
            while !harness.intervals.isEmpty { harness.free(index: harness.intervals.count / 2) }
            harness.check()
        }
        #expect(harness.allocate(64) == 0)
        #expect(harness.violation == nil)
    }

    @Test func `K17 single-block pieces come from alternating holes`() {
        let harness = Self.full(Array(repeating: 1, count: 10))
        for start in [0, 2, 4, 6, 8] as [UInt32] { harness.free(start: start) }
        #expect(harness.allocate(1, times: 6) == nil)
        #expect(harness.usedUnitCount == 5)
        #expect(harness.allocate(1, times: 5)?.sorted() == [0, 2, 4, 6, 8])
        harness.check()
        #expect(harness.violation == nil)
    }

    @Test func `K18 growth makes room after exhaustion`() {
        let harness = SegregatedFitHarness(unitCount: 4, growingTo: 20)
        harness.allocate(4)
        #expect(harness.allocate(1) == nil)
        harness.grow(byUnits: 3)
        #expect(harness.freeUnitCount == 3)
        #expect(harness.allocate(3) == 4)
        harness.check()
        #expect(harness.violation == nil)
    }

    @Test func `K18 growth merges with a free block at the end`() {
        let harness = SegregatedFitHarness(unitCount: 10, growingTo: 20)
        harness.allocate(6)
        harness.grow(byUnits: 10)
        #expect(harness.allocate(14) == 6)
        harness.check()
        #expect(harness.violation == nil)
    }

    @Test func `K18 growth works from nothing, by nothing and after fragmentation`() {
        let harness = SegregatedFitHarness(unitCount: 0, growingTo: 30)
        harness.grow(byUnits: 0)
        harness.grow(byUnits: 10)
        harness.allocate(1, times: 10)
        for start in [1, 3, 5] as [UInt32] { harness.free(start: start) }
        harness.grow(byUnits: 20)
        #expect(harness.allocate(20) == 10)
        #expect(harness.freeUnitCount == 3)
        harness.check()
        #expect(harness.violation == nil)
    }

    @Test func `growth beyond the maximum traps`() async {
        await #expect(processExitsWith: .failure) {
            var allocator = SegregatedFitAllocator(unitCount: 10, growingTo: 12)
            allocator.grow(byUnits: 3)
        }
    }

    @Test func `freeing a block twice traps`() async {
        await #expect(processExitsWith: .failure) {
            var allocator = SegregatedFitAllocator(unitCount: 10)
            guard let block = allocator.allocate(unitCount: 2) else { return }
            allocator.free(block)
            allocator.free(block)
        }
    }

    @Test func `a block beyond the first eight of its class is found`() {
        // Twenty free blocks of 64 units and one of 65: one class, in which the long one was freed first.
        let lengths = [65, 1] + Array(repeating: [64, 1], count: 20).flatMap { $0 }
        let harness = Self.full(lengths.map { UInt32($0) })
        for interval in harness.intervals where interval.end - interval.start > 1 {
            harness.free(start: interval.start)
        }
        #expect(harness.longestGap == 65)
        #expect(harness.allocate(66) == nil)
        #expect(harness.allocate(65) == 0)
        harness.check()
        #expect(harness.violation == nil)
    }

    @Test(arguments: [(0, 3), (0, 9), (2, 5), (3, 12), (4, 4)])
    func `a span is replaced by one block and the rest is free`(index: Int, count: UInt32) {
        let harness = Self.full([1, 2, 3, 4, 5])
        harness.free(start: 3)
        harness.replaceSpan(around: min(index, 3), withUnitCount: count)
        harness.check()
        #expect(harness.violation == nil)
        #expect(harness.intervals.contains { $0.end - $0.start == count })
    }
}
