/// Entries whose values lie in blocks of one address space, so that eviction can clear a span of neighbours.
package protocol SpanEvicting: ~Copyable {
    /// The order in which entries leave.
    var evictor: any Evictor { get }

    /// The block of an entry's value.
    func block(ofEntry slot: EntrySlot) -> SegregatedFitAllocator.BlockID

    /// How long ago a block's entry was used, the largest number for a free block, or `nil` for a wall: a
    /// block that is in use, pinned, reserved or detached.
    func evictionAge(
        of block: SegregatedFitAllocator.BlockID,
        allocator: borrowing SegregatedFitAllocator
    ) -> UInt64?
}

/// A span that eviction may clear, and what clearing it would lose.
package struct SpanPlan {
    var span: BlockSpan
    /// The sum over the span's entries of their units by how recently each was used: the bytes that are
    /// thrown out, weighted with the chance that they are asked for again.
    var cost = 0.0

    /// How many spans are compared. With values of one size the first candidate's own block is long enough,
    /// and nothing is compared.
    private static let comparedSpanCount = 16

    /// Finds the span to clear: the cheapest of those around the first candidates, or `nil` when none has
    /// room.
    ///
    /// A candidate that an earlier span of the same search has met is skipped, so that one search visits each
    /// block at most once.
    ///
    /// - Parameter searchNumber: Not 0, and different from that of the search before.
    @inline(__always)
    package static func find<Entries: SpanEvicting & ~Copyable>(
        unitCount: UInt32,
        among entries: borrowing Entries,
        searchNumber: UInt32,
        allocator: inout SegregatedFitAllocator
    ) -> BlockSpan? {
        var best: SpanPlan?
        var comparedCount = 0
        var candidate = entries.evictor.firstCandidate
        while let slot = candidate, comparedCount < comparedSpanCount {
            let block = entries.block(ofEntry: slot)
            if allocator.searchMark(of: block) != searchNumber,
                let plan = SpanPlan(
                    around: block,
                    unitCount: unitCount,
                    among: entries,
                    searchNumber: searchNumber,
                    allocator: &allocator
                )
            {
                if comparedCount == 0, plan.span.first == plan.span.last { return plan.span }
                if best.map({ plan.cost < $0.cost }) ?? true { best = plan }
                comparedCount += 1
            }
            candidate = entries.evictor.candidate(after: slot)
        }
        return best?.span
    }

    /// Extends a candidate's block over its neighbours until it is long enough, or `nil` between walls.
    ///
    /// Free neighbours are taken first; of two stored ones, the one that was used longer ago.
    @inline(__always)
    private init?<Entries: SpanEvicting & ~Copyable>(
        around block: SegregatedFitAllocator.BlockID,
        unitCount: UInt32,
        among entries: borrowing Entries,
        searchNumber: UInt32,
        allocator: inout SegregatedFitAllocator
    ) {
        span = BlockSpan(first: block, last: block, unitCount: 0)
        guard let age = entries.evictionAge(of: block, allocator: allocator) else { return nil }
        add(block, age: age, searchNumber, allocator: &allocator)
        while span.unitCount < unitCount {
            let before = SpanPlan.neighbour(allocator.neighbour(before: span.first), entries, allocator)
            let after = SpanPlan.neighbour(allocator.neighbour(after: span.last), entries, allocator)
            if let after, after.age >= before?.age ?? 0 {
                span.last = after.block
                add(after.block, age: after.age, searchNumber, allocator: &allocator)
            } else if let before {
                span.first = before.block
                add(before.block, age: before.age, searchNumber, allocator: &allocator)
            } else {
                return nil
            }
        }
    }

    private typealias Neighbour = (block: SegregatedFitAllocator.BlockID, age: UInt64)

    /// A neighbour with its age, or `nil` for a wall and at the end of the address space.
    @inline(__always)
    private static func neighbour<Entries: SpanEvicting & ~Copyable>(
        _ block: SegregatedFitAllocator.BlockID?,
        _ entries: borrowing Entries,
        _ allocator: borrowing SegregatedFitAllocator
    ) -> Neighbour? {
        guard let block, let age = entries.evictionAge(of: block, allocator: allocator) else { return nil }
        return (block, age)
    }

    /// Counts a block into the plan and marks it as met.
    private mutating func add(
        _ block: SegregatedFitAllocator.BlockID,
        age: UInt64,
        _ searchNumber: UInt32,
        allocator: inout SegregatedFitAllocator
    ) {
        let unitCount = allocator.unitCount(of: block)
        span.unitCount += unitCount
        guard allocator.isAllocated(block) else { return }
        cost += Double(unitCount) / Double(max(1, age))
        allocator.setSearchMark(of: block, to: searchNumber)
    }
}
