extension EntryStore.State: SpanEvicting {
    /// Finds the span to clear for so many units; see ``SpanPlan``.
    mutating func planEviction(
        unitCount: UInt32,
        allocator: inout SegregatedFitAllocator
    ) -> BlockSpan? {
        searchNumber = searchNumber == .max ? 1 : searchNumber + 1
        return SpanPlan.find(
            unitCount: unitCount,
            among: self,
            searchNumber: searchNumber,
            allocator: &allocator
        )
    }

    package func block(ofEntry slot: EntrySlot) -> SegregatedFitAllocator.BlockID { entries[slot].block }

    @inline(__always)
    package func evictionAge(
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
