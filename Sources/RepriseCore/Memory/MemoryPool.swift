internal import Glibc

// SAFETY, whole file: addresses come from the arena, which the pool keeps mapped, and buffers from `malloc`.

/// The memory that values live in: one arena with its allocator, and counted buffers outside it.
///
/// Everything is accounted in whole units of ``AllocationUnit/byteCount`` bytes; the arena's capacity and the
/// limit on buffers are reached exactly and never passed. Thread-safe; each operation takes the pool's lock
/// once.
public final class MemoryPool: Sendable {
    /// How a pool is made.
    public struct Configuration: Sendable {
        /// Bytes of the arena, rounded down to whole units; at least one unit.
        public var byteCount: Int
        /// Bytes that are populated before the initialiser returns; the rest follows in the background.
        public var byteCountPopulatedFirst = 256 << 20
        /// The most bytes that buffers outside the arena may take together; a quarter of the arena unless
        /// set.
        public var bufferByteCountMax: Int
        /// Whether pages are locked in memory (mlock), as far as the system allows.
        public var locksMemory = false

        /// Creates a configuration.
        public init(byteCount: Int) {
            self.byteCount = byteCount
            bufferByteCountMax = byteCount / 4
        }
    }

    struct State: ~Copyable {
        var allocator: SegregatedFitAllocator
        var bufferUnitCount: UInt32 = 0
    }

    let arena: Arena
    let state: Lock<State>
    /// Units of the arena.
    let capacityUnitCount: UInt32
    /// Units that buffers may take together.
    let bufferUnitCountMax: UInt32

    /// Creates a pool and populates the first part of its arena; a background thread populates the rest.
    ///
    /// - Throws: `invalidArgument` below one unit or beyond 8 TiB; `system` when the kernel has not enough to
    ///   give.
    public init(_ configuration: Configuration) throws(StorageError) {
        let unitCount = configuration.byteCount / AllocationUnit.byteCount
        guard unitCount > 0, unitCount < Int(Int32.max) else {
            throw StorageError(
                .invalidArgument,
                "a pool of \(configuration.byteCount) bytes: give it 4096 bytes to 8 TiB"
            )
        }
        capacityUnitCount = UInt32(unitCount)
        bufferUnitCountMax = UInt32(clamping: configuration.bufferByteCountMax / AllocationUnit.byteCount)
        arena = try Arena(
            byteCount: unitCount * AllocationUnit.byteCount,
            locksMemory: configuration.locksMemory
        )
        state = Lock(State(allocator: SegregatedFitAllocator(unitCount: 0, growingTo: UInt32(unitCount))))
        while populatedByteCount < configuration.byteCountPopulatedFirst, populateNextStep() {}
        if report.populationError != 0, populatedByteCount == 0 {
            throw StorageError(.system, "no memory for the pool: \(systemMessage(report.populationError))")
        }
        if !isPopulated {
            // The thread holds the parts, not the pool: it must end with the pool, and a weak reference would
            // send each retain and release of the pool, with every put, the slow way through a side table.
            let thread = Thread(name: "reprise-memory") { [arena, state] in
                while MemoryPool.populateNextStep(of: arena, into: state) {}
            }
            // Not joined: whoever lets go of the pool need not wait for a step that is under way.
            thread.detach()
        }
    }

    deinit {
        arena.stopPopulating()
    }

    /// Bytes of the arena, all of which can be in use at once.
    public var capacityByteCount: Int { Int(capacityUnitCount) * AllocationUnit.byteCount }

    /// Bytes of the arena in use, in whole units.
    public var usedByteCount: Int {
        state.withLock { Int($0.allocator.usedUnitCount) * AllocationUnit.byteCount }
    }

    /// Bytes in use by buffers outside the arena.
    public var bufferByteCount: Int { state.withLock { Int($0.bufferUnitCount) * AllocationUnit.byteCount } }

    /// Blocks of the arena in use.
    public var usedBlockCount: Int { state.withLock { Int($0.allocator.usedBlockCount) } }

    /// What the system gave and refused so far.
    public var report: ArenaReport { arena.report }

    /// Whether the whole arena can be handed out.
    public var isPopulated: Bool { arena.isPopulated }

    private var populatedByteCount: Int { report.populatedByteCount }

    /// The arena's first byte; its mapping lives as long as the pool.
    var arenaBase: UnsafeMutableRawPointer { unsafe arena.base }

    /// The arena's memory file, which other processes can map.
    public var arenaFile: ArenaFile { ArenaFile(descriptor: arena.descriptor, byteCount: capacityByteCount) }

    /// Checks the allocator's bookkeeping; returns what is wrong, or `nil`.
    ///
    /// - Complexity: O(blocks), under the pool's lock: for tests and operators.
    public func consistencyCheck() -> String? {
        state.withLock { $0.allocator.consistencyCheck() }
    }

    /// Populates the next part of the arena.
    ///
    /// - Returns: `false` when none is left to populate.
    func populateNextStep() -> Bool { MemoryPool.populateNextStep(of: arena, into: state) }

    private static func populateNextStep(of arena: Arena, into state: Lock<State>) -> Bool {
        arena.populateNextStep { byteCount in
            state.withLock { $0.allocator.grow(byUnits: UInt32(byteCount / AllocationUnit.byteCount)) }
        }
    }

    /// Takes back an arena block.
    func give(_ block: SegregatedFitAllocator.BlockID) {
        state.withLock { $0.allocator.free(block) }
    }

    /// Takes back a buffer.
    func giveBuffer(_ address: UnsafeMutableRawPointer, unitCount: UInt32) {
        unsafe Glibc.free(address)
        state.withLock { $0.bufferUnitCount -= unitCount }
    }
}
