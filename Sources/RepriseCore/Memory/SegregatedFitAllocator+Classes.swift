extension SegregatedFitAllocator {
    /// The size class of a length: exact below 64 units, then a power of two cut in 32.
    @inline(__always)
    static func sizeClass(of length: UInt32) -> (level: Int, subclass: Int) {
        guard length >= UInt32(subclassCount) else { return (0, Int(length)) }
        let exponent = 31 - length.leadingZeroBitCount
        let level = exponent - subclassBits + 1
        return (level, Int(length >> UInt32(exponent - subclassBits)) - subclassCount)
    }

    mutating func addToClass(_ block: BlockID) {
        let (level, subclass) = Self.sizeClass(of: nodes[block].length)
        let list = level * Self.subclassCount + subclass
        let head = classHeads[list]
        nodes[block].isFree = true
        nodes[block].backLink = Self.none
        nodes[block].forwardLink = head
        if head != Self.none { nodes[head].backLink = block }
        classHeads[list] = block
        levelBitmap |= 1 << UInt32(level)
        subclassBitmaps[level] |= 1 << UInt32(subclass)
    }

    mutating func removeFromClass(_ block: BlockID) {
        let node = nodes[block]
        if node.forwardLink != Self.none { nodes[node.forwardLink].backLink = node.backLink }
        guard node.backLink == Self.none else {
            nodes[node.backLink].forwardLink = node.forwardLink
            return
        }
        let (level, subclass) = Self.sizeClass(of: node.length)
        classHeads[level * Self.subclassCount + subclass] = node.forwardLink
        guard node.forwardLink == Self.none else { return }
        subclassBitmaps[level] &= ~(1 << UInt32(subclass))
        if subclassBitmaps[level] == 0 { levelBitmap &= ~(1 << UInt32(level)) }
    }

    func findFree(unitCount count: UInt32) -> BlockID? {
        let (level, subclass) = Self.sizeClass(of: count)
        let ownHead = classHeads[level * Self.subclassCount + subclass]
        let (probed, rest) = firstFit(from: ownHead, unitCount: count, probeCount: Self.ownClassProbeCount)
        if let probed { return probed }
        if let larger = firstOfLargerClass(thanLevel: level, subclass: subclass) { return larger }
        return firstFit(from: rest, unitCount: count, probeCount: .max).found
    }

    /// Walks a class list; returns the first block that is long enough, or where the walk stopped.
    private func firstFit(
        from head: BlockID,
        unitCount count: UInt32,
        probeCount: Int
    ) -> (found: BlockID?, rest: BlockID) {
        var block = head
        var probes = 0
        while block != Self.none, probes < probeCount {
            if nodes[block].length >= count { return (block, block) }
            block = nodes[block].forwardLink
            probes += 1
        }
        return (nil, block)
    }

    private func firstOfLargerClass(thanLevel level: Int, subclass: Int) -> BlockID? {
        let above = subclass + 1 < Self.subclassCount ? subclassBitmaps[level] >> UInt32(subclass + 1) : 0
        if above != 0 {
            let found = subclass + 1 + above.trailingZeroBitCount
            return classHeads[level * Self.subclassCount + found]
        }
        let levels = level + 1 < Self.levelCount ? levelBitmap >> UInt32(level + 1) : 0
        guard levels != 0 else { return nil }
        let foundLevel = level + 1 + levels.trailingZeroBitCount
        let found = subclassBitmaps[foundLevel].trailingZeroBitCount
        return classHeads[foundLevel * Self.subclassCount + found]
    }

    mutating func takeNode(start: UInt32, length: UInt32, previous: UInt32, next: UInt32) -> BlockID {
        let block: BlockID
        if recycledNodes != Self.none {
            block = recycledNodes
            recycledNodes = nodes[block].next
        } else {
            block = nodeHighWater
            nodeHighWater += 1
        }
        nodes[block] = Node(start: start, length: length, previous: previous, next: next)
        return block
    }

    mutating func recycle(_ block: BlockID) {
        nodes[block].isFree = true
        nodes[block].next = recycledNodes
        recycledNodes = block
    }
}
