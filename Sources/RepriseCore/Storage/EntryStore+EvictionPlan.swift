/// A span that eviction may clear, and what clearing it would lose.
private struct EvictionPlan {
    var span: BlockSpan
    /// The sum over the span's entries of their units by how recently each was used: the bytes that are
    /// thrown out, weighted with the chance that they are asked for again.
    var cost = 0.0
}

extension EntryStore.State {
    /// How many spans are compared. With values of one size the first candidate's own block is long enough,
    /// and nothing is compared.
    private static let comparedSpanCount = 16

    /// Finds the span to clear: the cheapest of those around the first candidates, or `nil` when none has
    /// room.
    ///
    /// A candidate that an earlier span of the same search has met is skipped, so that one search visits each
    /// block at most once.
    mutating func planEviction(
        unitCount: UInt32,
        allocator: inout SegregatedFitAllocator
    ) -> BlockSpan? {
        searchNumber = searchNumber == .max ? 1 : searchNumber + 1
        var best: EvictionPlan?
        var comparedCount = 0
        var candidate = evictor.firstCandidate
        while let slot = candidate, comparedCount < Self.comparedSpanCount {
            let block = entries[slot].block
            if allocator.searchMark(of: block) != searchNumber,
                let plan = growSpan(around: block, unitCount: unitCount, allocator: &allocator)
            {
                if comparedCount == 0, plan.span.first == plan.span.last { return plan.span }
                if best.map({ plan.cost < $0.cost }) ?? true { best = plan }
                comparedCount += 1
            }
            candidate = evictor.candidate(after: slot)
        }
        return best?.span
    }

    /// Extends a candidate's block over its neighbours until it is long enough, or `nil` between walls.
    ///
    /// Free neighbours are taken first; of two stored ones, the one that was used longer ago.
    private mutating func growSpan(
        around block: SegregatedFitAllocator.BlockID,
        unitCount: UInt32,
        allocator: inout SegregatedFitAllocator
    ) -> EvictionPlan? {
        var plan = EvictionPlan(span: BlockSpan(first: block, last: block, unitCount: 0))
        guard let age = evictionAge(of: block, allocator: allocator) else { return nil }
        add(block, age: age, to: &plan, allocator: &allocator)
        while plan.span.unitCount < unitCount {
            let before = neighbour(allocator.neighbour(before: plan.span.first), allocator: allocator)
            let after = neighbour(allocator.neighbour(after: plan.span.last), allocator: allocator)
            if let after, after.age >= before?.age ?? 0 {
                plan.span.last = after.block
                add(after.block, age: after.age, to: &plan, allocator: &allocator)
            } else if let before {
                plan.span.first = before.block
                add(before.block, age: before.age, to: &plan, allocator: &allocator)
            } else {
                return nil
            }
        }
        return plan
    }

    private typealias Neighbour = (block: SegregatedFitAllocator.BlockID, age: UInt64)

    /// A neighbour with its age, or `nil` for a wall and at the arena's end.
    private func neighbour(
        _ block: SegregatedFitAllocator.BlockID?,
        allocator: borrowing SegregatedFitAllocator
    ) -> Neighbour? {
        guard let block, let age = evictionAge(of: block, allocator: allocator) else { return nil }
        return (block, age)
    }

    /// Counts a block into a plan and marks it as met.
    private mutating func add(
        _ block: SegregatedFitAllocator.BlockID,
        age: UInt64,
        to plan: inout EvictionPlan,
        allocator: inout SegregatedFitAllocator
    ) {
        let unitCount = allocator.unitCount(of: block)
        plan.span.unitCount += unitCount
        guard allocator.isAllocated(block) else { return }
        plan.cost += Double(unitCount) / Double(max(1, age))
        allocator.setSearchMark(of: block, to: searchNumber)
    }

    /// How long ago a block's entry was used, the largest number for a free block, or `nil` for a wall: a
    /// block that is in use, pinned, reserved or detached.
    private func evictionAge(
        of block: SegregatedFitAllocator.BlockID,
        allocator: borrowing SegregatedFitAllocator
    ) -> UInt64? {
        guard allocator.isAllocated(block) else { return .max }
        let slot = allocator.owner(of: block)
        // A detached block keeps the tag of an entry that is gone: only the entry itself proves that it owns
        // the block.
        guard isLive(slot), !entries[slot].isSuspended else { return nil }
        guard entries[slot].block == block, object(at: slot).isIdle else { return nil }
        return clock - entries[slot].lastUse
    }
}
