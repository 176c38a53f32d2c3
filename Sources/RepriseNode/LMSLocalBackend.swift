public import RepriseCore

/// The cache server's values in this process's memory.
public final class LMSLocalBackend: LMSBackend {
    /// The most blocks that a check while serving walks: about a millisecond.
    private static let checkedBlockCountMax = 65_536

    private let backend: LocalCPUBackend

    /// Creates the server's view of a memory backend.
    public init(_ backend: LocalCPUBackend) {
        self.backend = backend
    }

    /// See ``LocalCPUBackend/reserve(for:byteCount:metadata:whenRoomReturns:)``.
    public func reserve(
        for key: StorageKey,
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
