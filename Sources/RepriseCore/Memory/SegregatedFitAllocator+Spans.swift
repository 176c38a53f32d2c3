/// What lies in a span of neighbouring blocks that eviction may clear.
package struct BlockSpan: BitwiseCopyable {
    /// The first and the last block, in address order; the same for a span of one.
    package var first: SegregatedFitAllocator.BlockID
    package var last: SegregatedFitAllocator.BlockID
    /// All units from the first block's start to the last block's end.
    package var unitCount: UInt32
}

extension SegregatedFitAllocator {
    /// The tag of an allocated block's owner, `UInt32.max` while it has none.
    package func owner(of block: BlockID) -> UInt32 { nodes[block].backLink }

    /// Tags an allocated block with its owner; `UInt32.max` takes the tag away.
    package mutating func setOwner(of block: BlockID, to owner: UInt32) {
        precondition(isAllocated(block), "only an allocated block has an owner")
        nodes[block].backLink = owner
    }

    /// The neighbour in front of a block, or `nil` at the start.
    package func neighbour(before block: BlockID) -> BlockID? {
        let previous = nodes[block].previous
        return previous == Self.none ? nil : previous
    }

    /// The neighbour behind a block, or `nil` at the end.
    package func neighbour(after block: BlockID) -> BlockID? {
        let next = nodes[block].next
        return next == Self.none ? nil : next
    }

    /// The search that last marked an allocated block, 0 for none.
    package func searchMark(of block: BlockID) -> UInt32 { nodes[block].forwardLink }

    /// Marks an allocated block as seen by a search.
    package mutating func setSearchMark(of block: BlockID, to search: UInt32) {
        nodes[block].forwardLink = search
    }

    /// Turns all blocks of a span, whatever their state, into one allocated block of `count` units and a free
    /// rest.
    ///
    /// The allocated blocks within are gone afterwards: their owners must forget them, not free them.
    ///
    /// - Precondition: the span has at least `count` units.
    /// - Complexity: O(blocks of the span).
    package mutating func replace(_ span: BlockSpan, withUnitCount count: UInt32) -> BlockID {
        precondition(span.unitCount >= count && count > 0, "the span is too short")
        takeOut(span.first)
        while nodes[span.first].length < span.unitCount {
            let next = nodes[span.first].next
            precondition(next != Self.none, "the span's blocks do not add up")
            takeOut(next)
            absorbNext(into: span.first)
        }
        precondition(nodes[span.first].length == span.unitCount, "the span's blocks do not add up")
        use(span.first, unitCount: count)
        return span.first
    }

    /// Takes a block out of the counters, if allocated, or out of its list, if free.
    private mutating func takeOut(_ block: BlockID) {
        if nodes[block].isFree {
            removeFromClass(block)
        } else {
            usedUnitCount -= nodes[block].length
            usedBlockCount -= 1
        }
    }
}
