internal import Glibc

// SAFETY, whole file: buffers come from `malloc` with the length that is used, and are owned by one block
// each.

extension MemoryPool {
    /// Allocates room for the tensor that `metadata` describes.
    ///
    /// `binaryBuffer` values (shape `[n, 0, 0, 0]`, no element type) get a buffer of `n` bytes outside the
    /// arena, which is counted against the pool's limit on buffers; every other layout gets an arena block.
    ///
    /// - Returns: An object with one reference, held by the caller.
    /// - Throws: `outOfMemory` when no free block is long enough, `tooLarge` when none could ever be,
    ///   `invalidArgument` for a shape that is empty, negative or overflows.
    public func allocate(_ metadata: MemoryObjectMetadata) throws(StorageError) -> MemoryObject {
        if metadata.format == .binaryBuffer, metadata.dtype == nil {
            return try allocateBuffer(metadata)
        }
        guard let byteCount = metadata.tensorByteCount, byteCount > 0 else {
            throw StorageError(.invalidArgument, "shape \(metadata.shape) has no bytes to allocate")
        }
        return try allocate(byteCount: byteCount, metadata: metadata)
    }

    /// Allocates an arena block of `byteCount` bytes.
    ///
    /// - Returns: An object with one reference, held by the caller.
    /// - Throws: As ``allocate(_:)``; zero bytes take one unit.
    public func allocate(
        byteCount: Int,
        metadata: MemoryObjectMetadata
    ) throws(StorageError) -> MemoryObject {
        guard let unitCount = AllocationUnit.count(forByteCount: byteCount), unitCount <= capacityUnitCount
        else {
            throw StorageError(.tooLarge, "\(byteCount) bytes do not fit a pool of \(capacityByteCount)")
        }
        guard let block = takeBlock(byteCount: byteCount, unitCount: unitCount) else {
            throw StorageError(.outOfMemory, "no free block of \(byteCount) bytes among \(capacityByteCount)")
        }
        return MemoryObject(block: block, metadata: metadata)
    }

    /// Allocates `count` objects of one kind, all or none.
    ///
    /// - Throws: As ``allocate(_:)``; `invalidArgument` for a negative count.
    public func allocate(
        _ metadata: MemoryObjectMetadata,
        count: Int
    ) throws(StorageError) -> [MemoryObject] {
        guard count >= 0 else {
            throw StorageError(.invalidArgument, "a batch of \(count) objects: give 0 or more")
        }
        var objects: [MemoryObject] = []
        objects.reserveCapacity(min(count, Int(capacityUnitCount)))
        for _ in 0..<count {
            do throws(StorageError) {
                objects.append(try allocate(metadata))
            } catch {
                for object in objects { object.release() }
                throw error
            }
        }
        return objects
    }

    /// Drops the caller's reference to an object; does nothing to one that has none left.
    public func free(_ object: MemoryObject) {
        if object.referenceCount > 0 { object.release() }
    }

    /// Takes an arena block, populating more of the arena when that is what is missing.
    func takeBlock(byteCount: Int, unitCount: UInt32) -> Block? {
        while true {
            // Asked first: what another thread publishes between the attempt and the question is not missed.
            let isPopulated = isPopulated
            if let taken = state.withLock({ $0.take(unitCount) }) {
                return Block(
                    pool: self,
                    arenaBlock: taken.block,
                    startUnit: taken.startUnit,
                    byteCount: byteCount
                )
            }
            guard !isPopulated else { return nil }
            populateMore()
        }
    }

    /// Populates a step, or waits a moment for threads that do, unless the whole arena is populated.
    func populateMore() {
        if populateNextStep() || isPopulated { return }
        usleep(100)
    }

    private func allocateBuffer(_ metadata: MemoryObjectMetadata) throws(StorageError) -> MemoryObject {
        let byteCount = Int(metadata.shape.padded[0])
        guard byteCount > 0, let unitCount = AllocationUnit.count(forByteCount: byteCount) else {
            throw StorageError(.invalidArgument, "a buffer of \(byteCount) bytes: give at least one")
        }
        let isCounted = state.withLock { state in
            guard unitCount <= bufferUnitCountMax - min(bufferUnitCountMax, state.bufferUnitCount) else {
                return false
            }
            state.bufferUnitCount += unitCount
            return true
        }
        guard isCounted else {
            throw StorageError(.outOfMemory, "no room for a buffer of \(byteCount) bytes")
        }
        guard let address = unsafe malloc(byteCount) else {
            state.withLock { $0.bufferUnitCount -= unitCount }
            throw StorageError(.system, "the system has no \(byteCount) bytes for a buffer")
        }
        // SAFETY: fresh memory may hold bytes of an earlier user.
        unsafe memset(address, 0, byteCount)
        return MemoryObject(
            block: unsafe Block(pool: self, buffer: address, byteCount: byteCount),
            metadata: metadata
        )
    }
}

extension MemoryPool.State {
    /// Takes a block if one is free.
    mutating func take(_ unitCount: UInt32) -> (block: SegregatedFitAllocator.BlockID, startUnit: UInt32)? {
        guard let block = allocator.allocate(unitCount: unitCount) else { return nil }
        return (block, allocator.start(of: block))
    }
}
