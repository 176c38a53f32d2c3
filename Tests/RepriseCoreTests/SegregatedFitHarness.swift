import RepriseTesting

@testable import RepriseCore

/// An allocator beside the plainest model of one: a sorted list of the intervals in use.
///
/// Every operation is done on both and compared; the first disagreement is kept in `violation`.
final class SegregatedFitHarness {
    /// One allocated block, as the model knows it.
    struct Interval {
        var start: UInt32
        var end: UInt32
        let block: SegregatedFitAllocator.BlockID
    }

    private var allocator: SegregatedFitAllocator
    /// Sorted by start.
    private(set) var intervals: [Interval] = []
    private var modelUnitCount: UInt32
    private(set) var violation: String?

    init(unitCount: UInt32, growingTo unitCountMax: UInt32? = nil) {
        allocator = SegregatedFitAllocator(unitCount: unitCount, growingTo: unitCountMax)
        modelUnitCount = unitCount
    }

    var unitCount: UInt32 { allocator.unitCount }
    var unitCountMax: UInt32 { allocator.unitCountMax }
    var freeUnitCount: UInt32 { allocator.freeUnitCount }
    var usedUnitCount: UInt32 { allocator.usedUnitCount }
    var usedBlockCount: UInt32 { allocator.usedBlockCount }

    /// The longest run of units that no interval covers.
    var longestGap: UInt32 {
        var longest: UInt32 = 0
        var position: UInt32 = 0
        for interval in intervals {
            longest = max(longest, interval.start - position)
            position = interval.end
        }
        return max(longest, modelUnitCount - position)
    }

    /// Where an interval that starts at `start` belongs.
    private func position(of start: UInt32) -> Int {
        var low = 0
        var high = intervals.count
        while low < high {
            let middle = (low + high) / 2
            if intervals[middle].start < start { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func note(_ problem: String) {
        if violation == nil { violation = problem }
    }

    /// Adds a block to the model after checking that it overlaps none.
    private func add(_ block: SegregatedFitAllocator.BlockID, unitCount count: UInt32) -> UInt32 {
        let start = allocator.start(of: block)
        let end = start + count
        let index = position(of: start)
        if allocator.unitCount(of: block) != count {
            note("\(count) units asked for, block \(block) has others")
        }
        if end > modelUnitCount { note("block \(block) ends at \(end), beyond the last unit") }
        if index > 0, intervals[index - 1].end > start { note("block \(block) overlaps the one before") }
        if index < intervals.count, intervals[index].start < end { note("block \(block) overlaps the next") }
        intervals.insert(Interval(start: start, end: end, block: block), at: index)
        return start
    }

    /// Allocates; returns the first unit, or `nil`, which the model has to agree with.
    @discardableResult
    func allocate(_ count: UInt32) -> UInt32? {
        guard let block = allocator.allocate(unitCount: count) else {
            if longestGap >= count { note("\(count) units refused with \(longestGap) contiguous ones free") }
            return nil
        }
        return add(block, unitCount: count)
    }

    /// Allocates `number` blocks or none, as a batch does.
    @discardableResult
    func allocate(_ count: UInt32, times number: Int) -> [UInt32]? {
        var starts: [UInt32] = []
        for _ in 0..<number {
            guard let start = allocate(count) else {
                for start in starts { free(start: start) }
                return nil
            }
            starts.append(start)
        }
        return starts
    }

    /// Frees the block that starts at a unit.
    func free(start: UInt32) { free(index: position(of: start)) }

    /// Frees the block at a position of `intervals`.
    func free(index: Int) { allocator.free(intervals.remove(at: index).block) }

    func grow(byUnits count: UInt32) {
        allocator.grow(byUnits: count)
        modelUnitCount += count
    }

    /// Replaces `count` units' worth of neighbours, from the block at `index` on to the right and then to the
    /// left.
    func replaceSpan(around index: Int, withUnitCount count: UInt32) {
        let block = intervals[index].block
        var span = BlockSpan(first: block, last: block, unitCount: allocator.unitCount(of: block))
        while span.unitCount < count {
            if let after = allocator.neighbour(after: span.last) {
                span.last = after
                span.unitCount += allocator.unitCount(of: after)
            } else if let before = allocator.neighbour(before: span.first) {
                span.first = before
                span.unitCount += allocator.unitCount(of: before)
            } else {
                return
            }
        }
        let start = allocator.start(of: span.first)
        intervals.removeAll { $0.start >= start && $0.end <= start + span.unitCount }
        if add(allocator.replace(span, withUnitCount: count), unitCount: count) != start {
            note("a replaced span moved")
        }
    }

    /// Compares the counters and walks the allocator's lists.
    func check() {
        if let problem = allocator.consistencyCheck() { note(problem) }
        if allocator.unitCount != modelUnitCount { note("\(allocator.unitCount) units are managed") }
        let used = intervals.reduce(0) { $0 + ($1.end - $1.start) }
        if allocator.usedUnitCount != used {
            note("\(allocator.usedUnitCount) units in use, should be \(used)")
        }
        if allocator.usedBlockCount != intervals.count { note("\(allocator.usedBlockCount) blocks in use") }
        if allocator.freeUnitCount != modelUnitCount - used { note("free units are wrong") }
    }
}
