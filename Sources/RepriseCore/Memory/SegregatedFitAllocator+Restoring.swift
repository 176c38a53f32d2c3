extension SegregatedFitAllocator {
    /// Takes exactly these units, for a table of blocks that is read back from its lowest to its highest.
    ///
    /// - Precondition: the units are managed, and lie behind every allocated block; this traps otherwise.
    /// - Complexity: O(1).
    package mutating func restore(start: UInt32, unitCount count: UInt32) -> BlockID {
        let tail = lastBlock
        precondition(tail != Self.none && nodes[tail].isFree, "no free units behind the last block")
        precondition(nodes[tail].start <= start, "blocks are restored in ascending order")
        let gap = start - nodes[tail].start
        precondition(count > 0 && count <= nodes[tail].length - min(gap, nodes[tail].length), "past the end")
        removeFromClass(tail)
        guard gap > 0 else {
            use(tail, unitCount: count)
            return tail
        }
        let length = nodes[tail].length - gap
        let block = takeNode(start: start, length: length, previous: tail, next: Self.none)
        nodes[tail].next = block
        nodes[tail].length = gap
        lastBlock = block
        addToClass(tail)
        use(block, unitCount: count)
        return block
    }

    /// Frees the end of an allocated block, which keeps `count` units.
    ///
    /// - Precondition: the block is allocated and has at least `count` units, which are not 0.
    package mutating func shrink(_ block: BlockID, toUnitCount count: UInt32) {
        precondition(isAllocated(block) && count > 0, "only an allocated block is cut")
        precondition(count <= nodes[block].length, "a block is not longer after it is cut")
        usedUnitCount -= nodes[block].length - count
        split(block, keeping: count)
    }
}
