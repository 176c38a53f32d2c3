import Testing

@testable import RepriseCore

/// What `consistencyCheck()` has to notice: each damage is done to an allocator that was sound.
@Suite struct SegregatedFitConsistencyTests {
    /// The ways in which an allocator can be damaged.
    enum Damage: CaseIterable {
        case blockStartsLater, blockIsLonger, blockIsEmpty, previousIsWrong, freeNeighboursTouch
        case blocksEndEarly, lastBlockIsWrong, usedUnitsDrift, usedBlocksDrift
        case freeBlockIsUnlisted, blockHangsInWrongList, levelBitIsMissing, levelBitIsExtra
        case subclassBitIsMissing, subclassBitIsExtra, listIsCircular, allocatedBlockIsListed
    }

    /// Blocks 0 to 4 of 10 units each, of which 1 and 3 are free, and a free rest.
    static func sound() -> SegregatedFitAllocator {
        var allocator = SegregatedFitAllocator(unitCount: 100)
        let blocks = (0..<5).compactMap { _ in allocator.allocate(unitCount: 10) }
        allocator.free(blocks[1])
        allocator.free(blocks[3])
        return allocator
    }

    static func blockID(_ allocator: borrowing SegregatedFitAllocator, at position: Int) -> UInt32 {
        var block = allocator.firstBlock
        for _ in 0..<position { block = allocator.nodes[block].next }
        return block
    }

    static func damage(_ allocator: inout SegregatedFitAllocator, _ damage: Damage) {
        let used = blockID(allocator, at: 2)
        let free = blockID(allocator, at: 1)
        switch damage {
        case .blockStartsLater: allocator.nodes[used].start += 1
        case .blockIsLonger: allocator.nodes[used].length += 1
        case .blockIsEmpty: allocator.nodes[used].length = 0
        case .previousIsWrong: allocator.nodes[used].previous = used
        case .freeNeighboursTouch: allocator.nodes[used].isFree = true
        case .blocksEndEarly: allocator.nodes[used].next = SegregatedFitAllocator.none
        case .lastBlockIsWrong: allocator.lastBlock = used
        case .usedUnitsDrift: allocator.usedUnitCount += 1
        case .usedBlocksDrift: allocator.usedBlockCount -= 1
        default: damageLists(&allocator, damage, used: used, free: free)
        }
    }

    static func damageLists(
        _ allocator: inout SegregatedFitAllocator,
        _ damage: Damage,
        used: UInt32,
        free: UInt32
    ) {
        let list = 10
        switch damage {
        case .freeBlockIsUnlisted: allocator.removeFromClass(free)
        case .blockHangsInWrongList:
            allocator.removeFromClass(free)
            allocator.nodes[free].length = 11
            allocator.addToClass(free)
            allocator.nodes[free].length = 10
        case .levelBitIsMissing: allocator.levelBitmap &= ~1
        case .levelBitIsExtra: allocator.levelBitmap |= 1 << 20
        case .subclassBitIsMissing: allocator.subclassBitmaps[0] &= ~(1 << UInt32(list))
        case .subclassBitIsExtra: allocator.subclassBitmaps[0] |= 1 << 3
        case .listIsCircular: allocator.nodes[free].forwardLink = allocator.classHeads[list]
        default: allocator.classHeads[list] = used
        }
    }

    @Test func `a sound allocator passes`() {
        let problem = Self.sound().consistencyCheck()
        #expect(problem == nil)
    }

    @Test(arguments: Damage.allCases) func `damage is noticed`(damage: Damage) {
        var allocator = Self.sound()
        Self.damage(&allocator, damage)
        let problem = allocator.consistencyCheck()
        #expect(problem != nil)
    }
}
