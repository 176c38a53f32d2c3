extension SegregatedFitAllocator {
    /// Walks every block and list and returns what is wrong, or `nil` when everything agrees.
    ///
    /// Checked: blocks tile the address space in order, no two free neighbours touch, counters equal the
    /// sums, every free block hangs in the list of its class and nowhere else, and the bitmaps name exactly
    /// the lists in use.
    ///
    /// - Complexity: O(blocks).
    public func consistencyCheck() -> String? {
        var position: UInt32 = 0
        var used: (units: UInt32, blocks: UInt32) = (0, 0)
        var freeBlocks = 0
        var previous = Self.none
        var block = firstBlock
        while block != Self.none {
            let node = nodes[block]
            if node.start != position || node.length == 0 { return "block \(block) starts at the wrong unit" }
            if node.previous != previous { return "block \(block) has the wrong neighbour" }
            if node.isFree {
                freeBlocks += 1
                if previous != Self.none, nodes[previous].isFree {
                    return "two free blocks touch at \(position)"
                }
            } else {
                used = (used.units + node.length, used.blocks + 1)
            }
            position += node.length
            previous = block
            block = node.next
        }
        if previous != lastBlock { return "the last block is not the last" }
        if position != unitCount { return "blocks cover \(position) of \(unitCount) units" }
        if used.units != usedUnitCount {
            return "\(used.units) units are in use, \(usedUnitCount) are counted"
        }
        if used.blocks != usedBlockCount {
            return "\(used.blocks) blocks are in use, \(usedBlockCount) are counted"
        }
        return checkClasses(freeBlockCount: freeBlocks)
    }

    private func checkClasses(freeBlockCount: Int) -> String? {
        var listed = 0
        for level in 0..<Self.levelCount {
            if (levelBitmap >> UInt32(level)) & 1 != (subclassBitmaps[level] == 0 ? 0 : 1) {
                return "the level bitmap is wrong at level \(level)"
            }
            for subclass in 0..<Self.subclassCount {
                let head = classHeads[level * Self.subclassCount + subclass]
                if (subclassBitmaps[level] >> UInt32(subclass)) & 1 != (head == Self.none ? 0 : 1) {
                    return "the bitmap of level \(level) is wrong at subclass \(subclass)"
                }
                var block = head
                while block != Self.none {
                    let node = nodes[block]
                    if !node.isFree || Self.sizeClass(of: node.length) != (level, subclass) {
                        return "block \(block) hangs in the wrong list"
                    }
                    listed += 1
                    if listed > freeBlockCount { return "a list has more blocks than are free" }
                    block = node.forwardLink
                }
            }
        }
        return listed == freeBlockCount ? nil : "\(freeBlockCount) blocks are free, \(listed) are listed"
    }
}

extension SegregatedFitAllocator {
    /// Bytes of nodes touched so far.
    package var bookkeepingByteCount: Int { Int(nodeHighWater) * MemoryLayout<Node>.stride }
}
