public import RepriseCore

/// The cache server's values in this process's memory.
public final class LMSLocalBackend: LMSBackend {
    /// The most blocks that a check while serving walks: about a millisecond.
    private static let checkedBlockCountMax = 65_536

    private let backend: LocalCPUBackend

    /// What leaves first when room is needed.
    public let evictionPolicy: EvictionPolicy

    /// Creates the server's view of a memory backend, whose evictor is of this policy.
    public init(_ backend: LocalCPUBackend, evictionPolicy: EvictionPolicy = .lru) {
        self.backend = backend
        self.evictionPolicy = evictionPolicy
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

    /// The value of a key, or `nil`.
    public func get(_ key: StorageKey) -> MemoryObject? { backend.getBlocking(key) }

    /// Whether a key is stored; a use.
    public func contains(_ key: StorageKey) -> Bool { backend.containsRecordingUse(key) }

    /// All keys, least recently used first.
    public func listKeys() -> [StorageKey] { backend.keys }

    /// See ``LocalCPUBackend/perform(_:)``.
    public func perform(_ batch: inout StoreBatch) { backend.perform(&batch) }

    /// See ``LocalCPUBackend/scan(from:count:)``.
    public func scan(from cursor: UInt64, count: Int) -> (keys: [StorageKey], next: UInt64) {
        backend.scan(from: cursor, count: count)
    }

    /// Stored values.
    public var entryCount: Int { backend.entryCount }

    /// Removes every key.
    public func removeAll() { backend.removeAll() }

    /// Removes a key.
    public func remove(_ key: StorageKey) -> Bool { backend.remove(key) }

    /// What is stored and what was done.
    public var statistics: LMSStatistics {
        LMSStatistics(
            store: backend.statistics,
            capacityByteCount: backend.pool.capacityByteCount,
            usedByteCount: backend.pool.usedByteCount,
            bufferByteCount: backend.pool.bufferByteCount,
            arena: backend.pool.report
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

    /// Lets go of everything.
    public func close() { backend.close() }
}
