internal import Glibc

/// What all pools of fixed chunks are made of: their slots under one lock, and the memory that is cut into
/// chunks.
final class ChunkStore: Sendable {
    let metadata: KVPoolMetadata
    let memory: any ChunkMemory
    private let slots: Lock<ChunkSlots>
    private let slotBecameFree = Condition()

    init(metadata: KVPoolMetadata, memory: any ChunkMemory) {
        self.metadata = metadata
        self.memory = memory
        slots = Lock(ChunkSlots(count: metadata.chunkCountMax))
    }

    var freeCount: Int { slots.withLock { $0.freeCount } }

    func allocate(tokenCount: Int) throws(StorageError) -> KVObject? {
        try check(tokenCount: tokenCount)
        return slots.withLock { $0.take() }.map { KVObject(store: self, ticket: $0, tokenCount: tokenCount) }
    }

    func allocate(tokenCount: Int, waitingAtMost limit: Duration) throws(StorageError) -> KVObject? {
        if let object = try allocate(tokenCount: tokenCount) { return object }
        // SAFETY: the task is only compared with none.
        precondition(
            unsafe withUnsafeCurrentTask { unsafe $0 == nil },
            "allocate(tokenCount:waitingAtMost:) would block a task's thread"
        )
        let ticket = slots.withLock(waitingFor: slotBecameFree, atMost: limit) { $0.take() }
        return ticket.map { KVObject(store: self, ticket: $0, tokenCount: tokenCount) }
    }

    func free(_ object: KVObject) -> Bool {
        object.store === self && give(object.ticket)
    }

    /// Gives a chunk back; `false` when that was done before.
    @discardableResult
    func give(_ ticket: ChunkSlots.Ticket) -> Bool {
        guard let isFree = slots.withLock({ $0.give(ticket) }) else { return false }
        if isFree { slotBecameFree.signal() }
        return true
    }

    /// Keeps a chunk from being reused until ``endAccess(_:to:)``.
    func beginAccess(_ access: ChunkSlots.Access, to ticket: ChunkSlots.Ticket) throws(StorageError) {
        let (isValid, hasBegun) = slots.withLock { slots in
            let isValid = slots.isValid(ticket)
            return (isValid, isValid && slots.begin(access, to: ticket))
        }
        guard isValid else {
            throw StorageError(
                .invalidArgument,
                "the object of chunk \(ticket.slot) was freed: do not use it again"
            )
        }
        guard hasBegun else {
            throw StorageError(
                .invalidArgument,
                "chunk \(ticket.slot) is being copied: a write must not meet another access"
            )
        }
    }

    func endAccess(_ access: ChunkSlots.Access, to ticket: ChunkSlots.Ticket) {
        if slots.withLock({ $0.end(access, to: ticket) }) { slotBecameFree.signal() }
    }

    private func check(tokenCount: Int) throws(StorageError) {
        guard (1...metadata.chunkSize).contains(tokenCount) else {
            throw StorageError(
                .invalidArgument,
                "a chunk for \(tokenCount) tokens: give 1 to \(metadata.chunkSize)"
            )
        }
    }
}
