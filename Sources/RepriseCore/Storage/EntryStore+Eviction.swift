internal import CRepriseShims

extension EntryStore {
    /// Why no block could be had.
    enum Shortage {
        /// The arena is not populated that far yet.
        case notPopulated
        /// Nothing that is stored can make room: too much is in use, pinned or reserved.
        case noRoom
        /// Others have reserved too much and not committed it.
        case tooMuchReserved
    }

    /// Takes a block, evicting what is needed; when it cannot succeed, nothing is evicted.
    func takeBlock(byteCount: Int, unitCount: UInt32, removed: inout RemovedEntries) -> Block? {
        while true {
            let result = lock.withLock { state in
                state.takeBlock(unitCount: unitCount, pool: pool, removed: &removed)
            }
            switch result {
            case .success(let taken):
                // Eviction may have offered what goes next.
                // SAFETY: set once, before the store is shared.
                unsafe slower?.start()
                return makeBlock(taken, byteCount: byteCount)
            case .failure(.notPopulated): pool.populateMore()
            case .failure: return nil
            }
        }
    }

    /// The owner of a block that was just taken.
    func makeBlock(_ taken: State.TakenBlock, byteCount: Int) -> Block {
        Block(pool: pool, arenaBlock: taken.block, startUnit: taken.startUnit, byteCount: byteCount)
    }
}

extension EntryStore.Shortage: Error {}

extension EntryStore.State {
    typealias TakenBlock = (block: SegregatedFitAllocator.BlockID, startUnit: UInt32)

    mutating func takeBlock(
        unitCount: UInt32,
        pool: MemoryPool,
        removed: inout RemovedEntries
    ) -> Result<TakenBlock, EntryStore.Shortage> {
        pool.state.withLock { memory in
            if let taken = memory.take(unitCount) { return .success(taken) }
            guard memory.allocator.unitCount == memory.allocator.unitCountMax || pool.isPopulated else {
                return .failure(.notPopulated)
            }
            guard let span = planEviction(unitCount: unitCount, allocator: &memory.allocator) else {
                statistics.noRoomCount += 1
                return .failure(.noRoom)
            }
            evict(span, allocator: memory.allocator, removed: &removed)
            prefetchNextVictims(allocator: memory.allocator)
            offerNextVictims()
            let block = memory.allocator.replace(span, withUnitCount: unitCount)
            return .success((block, memory.allocator.start(of: block)))
        }
    }

    /// Brings closer what the next eviction will touch: its victim's object, key and index bucket lie
    /// scattered, and waiting for them one after the other would take most of a put's time.
    ///
    /// Each put brings the victim after the next one closer, and where that one's successor is found: one put
    /// is shorter than the way to memory and back with the address translation on top.
    @inline(__always)
    private func prefetchNextVictims(allocator: borrowing SegregatedFitAllocator) {
        guard let next = evictor.firstCandidate, let second = evictor.candidate(after: next) else { return }
        if let third = evictor.candidate(after: second) {
            evictor.prefetch(third)
            entries.prefetch(third)
        }
        let entry = entries[second]
        // SAFETY: a prefetch accesses nothing.
        unsafe reprise_prefetch(entry.object.toOpaque())
        unsafe reprise_prefetch(entry.object.toOpaque() + 64)
        allocator.nodes.prefetch(entry.block)
        keys.prefetch(entry.key)
        index.prefetch(tag: entry.tag)
    }

    /// Removes every entry of a span; their blocks are the caller's to reuse.
    private mutating func evict(
        _ span: BlockSpan,
        allocator: borrowing SegregatedFitAllocator,
        removed: inout RemovedEntries
    ) {
        var next: SegregatedFitAllocator.BlockID? = span.first
        while let block = next {
            if allocator.isAllocated(block) {
                statistics.evictionCount += 1
                statistics.evictedByteCount +=
                    UInt64(allocator.unitCount(of: block)) * UInt64(AllocationUnit.byteCount)
                touchSlower(allocator.owner(of: block))
                remove(allocator.owner(of: block), into: &removed, blockIsReused: true)
            }
            next = block == span.last ? nil : allocator.neighbour(after: block)
        }
    }
}
