public import RepriseCore
internal import RepriseDisk

/// The cache server's values in this process's memory, and on the disks behind it.
public final class LMSLocalBackend: LMSBackend {
    /// The most blocks that a check while serving walks: about a millisecond.
    private static let checkedBlockCountMax = 65_536

    private let backend: LocalCPUBackend
    /// What is behind the memory.
    private let slower: (any SlowerTier)?
    private let disk: LocalDiskBackend?

    /// What leaves first when room is needed.
    public let evictionPolicy: EvictionPolicy

    /// Creates the server's view of a memory backend, whose evictor is of this policy.
    public convenience init(_ backend: LocalCPUBackend, evictionPolicy: EvictionPolicy = .lru) {
        self.init(backend, slower: nil, disk: nil, evictionPolicy: evictionPolicy)
    }

    /// Creates the server's view of a memory backend and the disks behind it.
    ///
    /// - Parameter slower: What is attached to the memory: the disks, or what has them among others.
    convenience init(
        _ backend: LocalCPUBackend,
        attached slower: (any SlowerTier)?,
        disk: LocalDiskBackend?,
        evictionPolicy: EvictionPolicy
    ) {
        self.init(backend, slower: slower, disk: disk, evictionPolicy: evictionPolicy)
    }

    /// Creates the server's view of a memory backend and another slower tier that is attached to it.
    package convenience init(_ backend: LocalCPUBackend, slower: any SlowerTier) {
        self.init(backend, slower: slower, disk: nil, evictionPolicy: .lru)
    }

    private init(
        _ backend: LocalCPUBackend,
        slower: (any SlowerTier)?,
        disk: LocalDiskBackend?,
        evictionPolicy: EvictionPolicy
    ) {
        self.backend = backend
        self.slower = slower
        self.disk = disk
        self.evictionPolicy = evictionPolicy
    }

    deinit {
        // Memory and disk know each other: closed, they do not.
        slower?.close()
    }

    /// See ``LocalCPUBackend/reserve(for:byteCount:metadata:whenRoomReturns:)``.
    public func reserve(
        for key: StorageKey?,
        byteCount: Int,
        metadata: MemoryObjectMetadata,
        whenRoomReturns: @escaping @Sendable () -> Void
    ) -> ReserveOutcome {
        backend.reserve(for: key, byteCount: byteCount, metadata: metadata, whenRoomReturns: whenRoomReturns)
    }

    /// The value of a key, or where it is.
    public func lookUp(_ key: StorageKey, asksElsewhere: Bool) -> LMSLookup {
        switch backend.lookUp(key, asksElsewhere: asksElsewhere) {
        case .object(let object): .object(object)
        case .mustLoad(let byteCount): .mustLoad(byteCount: byteCount)
        case .absent: .absent
        }
    }

    /// Brings a value into memory.
    public func load(_ key: StorageKey, completion: @escaping @Sendable (MemoryObject?) -> Void) {
        guard let slower else { return completion(nil) }
        slower.load(key, completion: completion)
    }

    /// Whether a key is stored; a use.
    public func contains(_ key: StorageKey) -> Bool { backend.containsRecordingUse(key) }

    /// All keys: those that are only on disks, and then those in memory, least recently used first.
    public func listKeys() -> [StorageKey] {
        let keys = backend.keys
        guard let slower else { return keys }
        let known = Set(keys)
        return (disk?.keys ?? slower.scannedKeys).filter { !known.contains($0) } + keys
    }

    /// See ``LocalCPUBackend/perform(_:)``.
    public func perform(_ batch: inout StoreBatch) { backend.perform(&batch) }

    /// See ``LocalCPUBackend/scan(from:count:)``.
    ///
    /// The memory's places come first, and then the disks', whose cursors have the top bit.
    public func scan(from cursor: UInt64, count: Int) -> (keys: [StorageKey], next: UInt64) {
        if cursor & Self.slowerCursorBit == 0 {
            let (keys, next) = backend.scan(from: cursor, count: count)
            return (keys, next == 0 && slower != nil ? Self.slowerCursorBit : next)
        }
        guard let slower else { return ([], 0) }
        let (keys, next) = slower.scan(from: cursor & ~Self.slowerCursorBit, count: count)
        return (keys.filter { !backend.isInMemory($0) }, next == 0 ? 0 : next | Self.slowerCursorBit)
    }

    private static let slowerCursorBit: UInt64 = 1 << 63

    /// Stored values; with disks and many values in memory at least so many: those that are in memory and not
    /// on a disk are then not looked for.
    public var entryCount: Int {
        guard let slower else { return backend.entryCount }
        guard backend.entryCount <= Self.checkedBlockCountMax else {
            return max(backend.entryCount, slower.entryCount)
        }
        return slower.entryCount + backend.keys.count { !slower.isStored($0) }
    }

    /// Removes every key.
    public func removeAll() -> RecordedChange? { backend.removeAllRecording() }

    /// Removes a key.
    public func remove(_ key: StorageKey) -> (wasStored: Bool, change: RecordedChange?) {
        backend.removeRecording(key)
    }

    /// What is stored and what was done.
    public var statistics: LMSStatistics {
        LMSStatistics(
            store: backend.statistics,
            capacityByteCount: backend.pool.capacityByteCount,
            usedByteCount: backend.pool.usedByteCount,
            bufferByteCount: backend.pool.bufferByteCount,
            arena: backend.pool.report,
            disks: disk?.namedStatistics ?? [],
            elsewhere: (slower as? TierStack)?.elsewhereStatistics ?? []
        )
    }

    /// Bytes that values can take together.
    public var capacityByteCount: Int { backend.pool.capacityByteCount }

    /// Whether the allocator's bookkeeping agrees with itself; `nil` with more blocks than can be checked
    /// without being noticed by others.
    public var isConsistent: Bool? {
        guard backend.pool.usedBlockCount <= Self.checkedBlockCountMax else { return nil }
        return backend.pool.consistencyCheck() == nil
    }

    /// Whether somebody waits for others' reservations to end.
    public var isReservationAwaited: Bool { backend.isReservationAwaited }

    /// The memory file that values lie in.
    public var arenaFile: ArenaFile? { backend.pool.arenaFile }

    /// Lets an entry go whose value is held.
    public func evict(_ key: StorageKey, holding object: MemoryObject) {
        backend.evict(key, holding: object)
    }

    /// Lets go of everything.
    public func close() {
        slower?.close()
        backend.close()
    }
}

extension LocalDiskBackend {
    fileprivate var namedStatistics: [NamedDiskStatistics] {
        zip(paths, statistics).map { NamedDiskStatistics(path: $0, statistics: $1) }
    }
}
