internal import Glibc

// SAFETY, whole file: the stored properties say who may touch them when; bytes are reached through a block
// that the caller's reference keeps.

/// The bytes of one value and what is known of them, shared by counted references.
///
/// Allocation gives the caller one reference. A backend that stores the object takes another, and every
/// lookup gives one more. The memory goes back to its pool when the last reference and the last pin are gone;
/// from then on the object is invalid and its bytes must not be asked for. Holding the Swift object alone
/// keeps no bytes alive.
@safe
public final class MemoryObject: Sendable {
    // The stored properties are not checked for exclusive access at run time: that costs more than the
    // accesses, and each says who may touch it when.
    // SAFETY: set in `init`; taken once, by the thread whose decrement found the object unused, or by
    // eviction under the backend's lock while only the index holds the object.
    @exclusivity(unchecked)
    nonisolated(unsafe) private var block: Block?
    /// Format, element type and shape, as given at allocation.
    public var metadata: MemoryObjectMetadata { unsafe storedMetadata }
    // SAFETY: changed only before anybody but the maker knows the object.
    @exclusivity(unchecked)
    nonisolated(unsafe) private var storedMetadata: MemoryObjectMetadata
    // SAFETY: written and read only under the lock of the backend that holds the object.
    @exclusivity(unchecked)
    nonisolated(unsafe) var slot: EntrySlot = .max
    private let references = ReferenceWord()
    // SAFETY: set once, under the lock of the first backend that stores the object, before the resident bit
    // is.
    @exclusivity(unchecked)
    nonisolated(unsafe) private(set) var store: EntryStore?

    init(block: consuming Block, metadata: MemoryObjectMetadata) {
        unsafe self.block = consume block
        unsafe storedMetadata = metadata
    }

    /// Describes the bytes, once it is known what they are.
    ///
    /// - Precondition: nobody but the caller knows the object, as after
    ///   ``LocalCPUBackend/allocate(_:evicting:)``.
    package func describe(as metadata: MemoryObjectMetadata) {
        precondition(referenceCount == 1 && !isResident, "an object is described before it is shared")
        unsafe storedMetadata = metadata
    }

    /// Logical bytes; 0 once the object is invalid.
    public var byteCount: Int { unsafe block?.byteCount ?? 0 }

    /// Bytes counted against the pool's capacity: whole units; 0 once the object is invalid.
    public var physicalByteCount: Int { unitCount * AllocationUnit.byteCount }

    /// The byte offset of the object in its pool's arena; `nil` for a buffer and once the object is invalid.
    public var address: Int? { unsafe block?.arenaOffset ?? nil }

    /// Whether the object still has its bytes.
    public var isValid: Bool { !references.value.isUnused }

    /// References held now, the backend's own included.
    public var referenceCount: Int { references.value.references }

    /// Pins held now.
    public var pinCount: Int { references.value.pins }

    /// Takes another reference.
    ///
    /// - Precondition: the caller holds one, or this traps.
    public func retain() {
        let (before, _) = references.add(ReferenceWord.reference)
        precondition(before.references > 0, "retain of an object without references")
    }

    /// Gives a reference back; the last one returns the memory to the pool.
    ///
    /// - Precondition: the caller holds one, or this traps.
    public func release() {
        precondition(references.value.references > 0, "release of an object without references")
        settle(references.subtract(ReferenceWord.reference))
    }

    /// Keeps the object from being evicted or freed until ``unpin()``.
    ///
    /// - Precondition: the caller holds a reference, or this traps.
    public func pin() {
        let (before, _) = references.add(ReferenceWord.pin)
        precondition(before.references > 0, "pin of an object without references")
    }

    /// Gives a pin back; the last one, when no reference is left either, returns the memory to the pool.
    ///
    /// - Returns: `false` when the object was not pinned.
    @discardableResult
    public func unpin() -> Bool {
        guard let value = references.subtractPin() else { return false }
        settle(value)
        return true
    }

    /// The bytes, read-only.
    ///
    /// - Precondition: the object is valid, or this traps.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            let buffer = unsafe UnsafeRawBufferPointer(mutableBytes)
            // SAFETY: the caller holds a reference, so the block outlives the borrow.
            return unsafe _overrideLifetime(RawSpan(_unsafeBytes: buffer), borrowing: self)
        }
    }

    /// Copies bytes into the object, before it is stored.
    ///
    /// - Precondition: they end within the object, or this traps.
    public func copy(from source: RawSpan, at offset: Int = 0) {
        precondition(offset >= 0 && source.byteCount <= byteCount - offset, "copy past the object's end")
        unsafe source.withUnsafeBytes { source in
            guard let from = source.baseAddress, let base = unsafe mutableBytes.baseAddress else { return }
            // SAFETY: the bounds were checked.
            unsafe memcpy(base + offset, from, source.count)
        }
    }

    /// Whether the bytes lie in the arena, in units of their own.
    package var isInArena: Bool { arenaBlock != nil }

    /// Whole units of the object's block, with the padding behind the bytes zeroed if the last unit is among
    /// them; `nil` for a buffer outside the arena.
    ///
    /// - Precondition: the object is valid and has these units, or this traps.
    @unsafe package func units(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer? {
        guard arenaBlock != nil else { return nil }
        let bytes = unsafe mutableBytes
        guard let base = bytes.baseAddress else { return nil }
        let start = range.lowerBound * AllocationUnit.byteCount
        let end = range.upperBound * AllocationUnit.byteCount
        precondition(start >= 0 && end <= physicalByteCount, "units past the object's end")
        // SAFETY: a block of the arena is as many whole units as its bytes take, and nobody reads the
        // padding.
        if end > bytes.count { unsafe memset(base + bytes.count, 0, physicalByteCount - bytes.count) }
        return unsafe UnsafeMutableRawBufferPointer(start: base + start, count: end - start)
    }

    /// The bytes for filling in place, before the object is stored or by its only holder.
    ///
    /// - Precondition: the object is valid, or this traps.
    @unsafe public var mutableBytes: UnsafeMutableRawBufferPointer {
        guard isValid, let address = unsafe block?.address else {
            preconditionFailure("the object's bytes were freed")
        }
        return unsafe UnsafeMutableRawBufferPointer(start: address, count: byteCount)
    }
}

// What a backend does with the objects it holds, always under its lock.
extension MemoryObject {
    /// The arena block, or `nil` for a buffer.
    var arenaBlock: SegregatedFitAllocator.BlockID? { unsafe block?.arenaBlock ?? nil }

    var unitCount: Int { Int(unsafe block?.unitCount ?? 0) }

    var pool: MemoryPool? { unsafe block?.pool }

    /// Whether only the index holds the object.
    var isIdle: Bool { references.value.isIdle }

    /// Whether a backend's index holds the object.
    var isResident: Bool { references.value.isResident }

    /// Gives the index its reference: a new one, or the caller's.
    func becomeResident(in store: EntryStore, at slot: EntrySlot, takesReference: Bool) {
        // Written once: a late release of an earlier stay may be reading it.
        if unsafe self.store == nil { unsafe self.store = store }
        unsafe self.slot = slot
        references.add(
            takesReference ? ReferenceWord.resident : ReferenceWord.reference | ReferenceWord.resident
        )
    }

    /// Takes a reference for a reader; returns whether the object was idle before.
    func acquire(_ amount: UInt64) -> Bool {
        references.add(amount).before.isIdle
    }

    /// Gives back pins that an entry took, as far as nobody has done so before it.
    func dropPins(_ count: UInt16) {
        for _ in 0..<count where references.subtractPin() == nil { return }
    }

    /// Takes the index's reference away; the memory goes back once the last other holder lets go, or at once.
    ///
    /// - Returns: Whether nobody else holds the object, so that ``reclaim()`` must follow, outside the lock.
    func leaveIndex() -> Bool {
        references.subtract(ReferenceWord.reference | ReferenceWord.resident).isUnused
    }

    /// Frees the block of an unused object.
    func reclaim() {
        unsafe block = nil
    }

    /// Lets go of the block of an unused object whose place eviction has reused.
    func disownBlock() {
        if let block = unsafe block.take() { block.disown() }
    }

    /// Acts on the value that a decrement left.
    private func settle(_ value: ReferenceWord.Value) {
        if value.isUnused {
            reclaim()
        } else if value.isIdle {
            unsafe store?.objectBecameIdle(self)
        }
    }
}
