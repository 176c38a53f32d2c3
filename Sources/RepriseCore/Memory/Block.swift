internal import Glibc

/// Memory of a pool with exactly one owner; it goes back to the pool when the owner lets go.
@safe
struct Block: ~Copyable, Sendable {
    let pool: MemoryPool
    /// The bytes that are used; the block itself is a whole number of units.
    let byteCount: Int
    /// An arena block's identifier and first unit, or a heap buffer's address with the top bit set.
    private var location: UInt64

    private static let bufferFlag: UInt64 = 1 << 63
    private static let disowned = UInt64.max

    /// A block of the arena.
    init(pool: MemoryPool, arenaBlock: SegregatedFitAllocator.BlockID, startUnit: UInt32, byteCount: Int) {
        self.pool = pool
        self.byteCount = byteCount
        location = UInt64(arenaBlock) << 32 | UInt64(startUnit)
        precondition(location & Block.bufferFlag == 0, "an arena has fewer than 2 billion blocks")
    }

    /// A buffer outside the arena.
    init(pool: MemoryPool, buffer: UnsafeMutableRawPointer, byteCount: Int) {
        self.pool = pool
        self.byteCount = byteCount
        location = UInt64(UInt(bitPattern: buffer)) | Block.bufferFlag
    }

    /// The arena block's identifier, or `nil` for a buffer.
    var arenaBlock: SegregatedFitAllocator.BlockID? {
        location & Block.bufferFlag == 0 ? UInt32(truncatingIfNeeded: location >> 32) : nil
    }

    /// The byte offset from the arena's base, or `nil` for a buffer.
    var arenaOffset: Int? {
        location & Block.bufferFlag == 0
            ? Int(UInt32(truncatingIfNeeded: location)) * AllocationUnit.byteCount : nil
    }

    /// Whole units, as counted against the pool's capacity.
    var unitCount: UInt32 { UInt32((max(byteCount, 1) - 1) / AllocationUnit.byteCount + 1) }

    /// The first byte.
    var address: UnsafeMutableRawPointer {
        // SAFETY: the pool keeps the arena mapped while any block lives; the offset is within it by
        // construction.
        if let arenaOffset { return unsafe pool.arenaBase + arenaOffset }
        // SAFETY: the address was a valid pointer when the top bit was added; user space never has that bit.
        guard let buffer = unsafe UnsafeMutableRawPointer(bitPattern: UInt(location & ~Block.bufferFlag))
        else {
            preconditionFailure("a buffer has an address")
        }
        return unsafe buffer
    }

    /// Lets go without giving the memory back, because eviction has already reused its place.
    consuming func disown() {
        location = Block.disowned
    }

    deinit {
        if location == Block.disowned { return }
        if let arenaBlock {
            pool.give(arenaBlock)
        } else {
            unsafe pool.giveBuffer(address, unitCount: unitCount)
        }
    }
}
