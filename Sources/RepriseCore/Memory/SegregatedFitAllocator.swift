/// A two-level segregated-fit allocator over whole units of an address space that starts at 0.
///
/// Free blocks hang in lists by size class (a power of two, cut in 32); two levels of bitmaps find the next
/// class that has any. Neighbours coalesce on release. All bookkeeping lies outside the managed memory, in
/// one node per block, so that the allocator also serves address spaces that are no memory, such as a file.
///
/// A request first looks into its own class, whose blocks may or may not be long enough, then at the first
/// block of a larger class, then at the rest of its own class: it fails only when no free block is long
/// enough. It is O(1) for blocks below 64 units and for pools of one size, and otherwise O(blocks of the
/// request's own class).
///
/// Not thread-safe: ``MemoryPool`` holds it under its lock.
///
/// - Source: M. Masmano et al., "TLSF: a new dynamic memory allocator for real-time systems", ECRTS 2004.
public struct SegregatedFitAllocator: ~Copyable {
    /// Names one block, free or allocated, until it is released or merged.
    public typealias BlockID = UInt32

    static let none = UInt32.max
    static let subclassBits = 5
    static let subclassCount = 1 << subclassBits
    static let levelCount = 32 - subclassBits + 1
    /// How many blocks of the request's own class are looked at before larger classes are.
    static let ownClassProbeCount = 8

    struct Node: BitwiseCopyable {
        var start: UInt32
        /// The length, and in the top bit whether the block is free.
        private var lengthWord: UInt32
        /// Neighbours in address order.
        var previous: UInt32
        var next: UInt32
        /// Free block: previous in its class. Allocated block: the owner's tag.
        var backLink: UInt32
        /// Free block: next in its class. Allocated block: the last search that met it.
        var forwardLink: UInt32

        private static let freeFlag: UInt32 = 1 << 31

        init(start: UInt32, length: UInt32, previous: UInt32, next: UInt32) {
            self.start = start
            lengthWord = length | Node.freeFlag
            self.previous = previous
            self.next = next
            backLink = none
            forwardLink = none
        }

        var length: UInt32 {
            get { lengthWord & ~Node.freeFlag }
            set { lengthWord = newValue | (lengthWord & Node.freeFlag) }
        }

        var isFree: Bool {
            get { lengthWord & Node.freeFlag != 0 }
            set { lengthWord = newValue ? lengthWord | Node.freeFlag : lengthWord & ~Node.freeFlag }
        }
    }

    var nodes: LazyRegion<Node>
    var recycledNodes: UInt32 = none
    var nodeHighWater: UInt32 = 0
    var levelBitmap: UInt32 = 0
    var subclassBitmaps: [UInt32]
    var classHeads: [UInt32]
    var firstBlock: UInt32 = none
    var lastBlock: UInt32 = none

    /// Units managed so far; ``grow(byUnits:)`` adds to it.
    public private(set) var unitCount: UInt32 = 0
    /// Units in allocated blocks.
    public internal(set) var usedUnitCount: UInt32 = 0
    /// Allocated blocks.
    public internal(set) var usedBlockCount: UInt32 = 0
    /// The most units this allocator can ever manage.
    public let unitCountMax: UInt32

    /// Creates an allocator of `unitCount` free units that can grow to `unitCountMax`.
    ///
    /// - Precondition: `unitCount <= unitCountMax`, which is below 2³¹.
    public init(unitCount: UInt32, growingTo unitCountMax: UInt32? = nil) {
        let maximum = unitCountMax ?? unitCount
        precondition(unitCount <= maximum, "an allocator cannot start beyond its maximum")
        precondition(maximum <= UInt32(Int32.max), "an allocator has fewer than 2 billion units")
        self.unitCountMax = maximum
        nodes = LazyRegion(capacity: Int(maximum) + 1)
        subclassBitmaps = Array(repeating: 0, count: Self.levelCount)
        classHeads = Array(repeating: Self.none, count: Self.levelCount * Self.subclassCount)
        grow(byUnits: unitCount)
    }

    /// Units in no allocated block.
    public var freeUnitCount: UInt32 { unitCount - usedUnitCount }

    /// Adds `count` free units behind the last one; they merge with a free block that ends there.
    ///
    /// - Precondition: the sum stays within `unitCountMax`.
    public mutating func grow(byUnits count: UInt32) {
        precondition(count <= unitCountMax - unitCount, "the allocator cannot grow beyond its maximum")
        guard count > 0 else { return }
        let start = unitCount
        unitCount += count
        if lastBlock != Self.none, nodes[lastBlock].isFree {
            removeFromClass(lastBlock)
            nodes[lastBlock].length += count
            addToClass(lastBlock)
            return
        }
        let block = takeNode(start: start, length: count, previous: lastBlock, next: Self.none)
        if lastBlock != Self.none { nodes[lastBlock].next = block } else { firstBlock = block }
        lastBlock = block
        addToClass(block)
    }

    /// Takes `count` contiguous units, or returns `nil` and changes nothing when no free block is long
    /// enough.
    ///
    /// - Precondition: `count > 0`.
    public mutating func allocate(unitCount count: UInt32) -> BlockID? {
        precondition(count > 0, "an allocation has at least one unit")
        guard let block = findFree(unitCount: count) else { return nil }
        removeFromClass(block)
        use(block, unitCount: count)
        return block
    }

    /// Gives an allocated block back and merges it with free neighbours.
    ///
    /// - Precondition: `block` is allocated.
    public mutating func free(_ block: BlockID) {
        precondition(isAllocated(block), "the block is not allocated")
        usedUnitCount -= nodes[block].length
        usedBlockCount -= 1
        release(block)
    }

    /// The first unit of a block.
    public func start(of block: BlockID) -> UInt32 { nodes[block].start }

    /// The units of a block.
    public func unitCount(of block: BlockID) -> UInt32 { nodes[block].length }

    /// Whether `block` names an allocated block.
    public func isAllocated(_ block: BlockID) -> Bool { block < nodeHighWater && !nodes[block].isFree }

    /// Makes a block that is in no list an allocated one of `count` units, and frees the rest of it.
    mutating func use(_ block: BlockID, unitCount count: UInt32) {
        // Before the rest is freed, which would merge with a free neighbour in front of it.
        nodes[block].isFree = false
        nodes[block].backLink = Self.none
        nodes[block].forwardLink = 0
        split(block, keeping: count)
        usedUnitCount += count
        usedBlockCount += 1
    }

    mutating func split(_ block: BlockID, keeping count: UInt32) {
        let rest = nodes[block].length - count
        guard rest > 0 else { return }
        let next = nodes[block].next
        let tail = takeNode(start: nodes[block].start + count, length: rest, previous: block, next: next)
        if next != Self.none { nodes[next].previous = tail } else { lastBlock = tail }
        nodes[block].next = tail
        nodes[block].length = count
        release(tail)
    }

    /// Puts a block that is in no list into its class, after merging it with free neighbours.
    private mutating func release(_ block: BlockID) {
        var block = block
        let previous = nodes[block].previous
        if previous != Self.none, nodes[previous].isFree {
            removeFromClass(previous)
            absorbNext(into: previous)
            block = previous
        }
        let next = nodes[block].next
        if next != Self.none, nodes[next].isFree {
            removeFromClass(next)
            absorbNext(into: block)
        }
        addToClass(block)
    }

    /// Merges the block behind `block`, which is in no list, into it.
    mutating func absorbNext(into block: BlockID) {
        let next = nodes[block].next
        let following = nodes[next].next
        nodes[block].length += nodes[next].length
        nodes[block].next = following
        if following != Self.none { nodes[following].previous = block } else { lastBlock = block }
        recycle(next)
    }
}
