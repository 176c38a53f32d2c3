internal import Glibc

// SAFETY, whole file: a live entry owns one unit of its object's Swift reference count, and objects' slots
// are touched only under the store's lock.

/// The index, the accounting and the eviction order of one backend's values, under one lock.
///
/// Critical sections are O(1) in the number of entries; copying, freeing and callbacks happen outside them.
/// Lock order: the store's lock, then the pool's (docs/CONCURRENCY.md).
final class EntryStore: Sendable {
    let pool: MemoryPool
    let limits: StoreLimits
    let lock: Lock<State>
    // SAFETY: set once, before the store is shared; the same as the state's.
    nonisolated(unsafe) var slower: (any SlowerTier)?

    @safe
    struct State: ~Copyable {
        // SAFETY (of all that is unsafe in this type): a live entry owns one unit of its object's Swift
        // reference count.
        let entries: LazyRegion<Entry>
        var index = KeyIndex()
        var keys = KeySlab()
        let evictor: any Evictor
        /// The first of a chain of slots that were given back.
        var recycledSlot = EntrySlot.max
        var slotHighWater: EntrySlot = 0
        var clock: UInt64 = 0
        var searchNumber: UInt32 = 0
        var reservedUnitCount: UInt32 = 0
        var roomWaiters: [@Sendable () -> Void] = []
        var isClosed = false
        var statistics = StoreStatistics()
        let wallClock: WallClock
        var expiries: ExpiryWheel
        /// What is behind the memory.
        var slower: (any SlowerTier)?
        /// How many calls are removing every entry.
        var removalCount = 0
        /// Changes that the slower tier has to record before they are acknowledged; taken by whoever ends the
        /// critical section.
        var changes: [RecordedChange] = []
        /// Told when something expires before `expiryWakeTime`.
        var expiryWaker: (@Sendable () -> Void)?
        /// When the waker will look by itself.
        var expiryWakeTime = Int64.max
    }

    init(
        pool: MemoryPool,
        evictor: sending any Evictor,
        limits: StoreLimits,
        wallClock: WallClock = .system
    ) {
        self.pool = pool
        self.limits = limits
        let slotCount = Int(pool.capacityUnitCount) + 1
        lock = Lock(
            State(
                entries: LazyRegion(capacity: slotCount),
                evictor: evictor,
                wallClock: wallClock,
                expiries: ExpiryWheel(capacity: slotCount, now: wallClock.nowMilliseconds)
            )
        )
    }

    deinit {
        removeAll()
    }

    /// Called when the last reader's or pin's hold on an object ended; makes its entry a candidate again.
    func objectBecameIdle(_ object: MemoryObject) {
        lock.withLock { state in
            let slot = unsafe object.slot
            // Another reader may have come, or the entry gone, since the decrement.
            guard object.isIdle, state.entries[slot].isSuspended else { return }
            state.entries[slot].isSuspended = false
            state.entries[slot].lastUse = state.tick()
            state.evictor.resume(slot)
        }
    }

    /// Removes every entry; values that are being read live on until their readers let go.
    func removeAll() {
        var next: EntrySlot? = 0
        while let start = next {
            var removed = RemovedEntries()
            next = lock.withLock { $0.removeEntries(from: start, into: &removed) }
        }
    }
}

// Methods on the way of each lookup and put that do not change the state are always inlined, and call no
// closure that captures it: where the compiler (6.3.1) lends a state of this size to a function, it copies
// all of it, nearly 400 bytes, to the stack first.
extension EntryStore.State {
    /// Advances and returns the clock.
    mutating func tick() -> UInt64 {
        clock += 1
        return clock
    }

    /// The slot of a key, or `nil`; an entry whose time has come is none any more.
    @inline(__always)
    func slot(of key: StorageKey) -> EntrySlot? {
        unsafe key.withReference { unsafe slot(of: $0) }
    }

    /// The slot of a key, or `nil`; an entry whose time has come is none any more.
    @inline(__always)
    func slot(of key: KeyReference) -> EntrySlot? {
        guard let handle = unsafe keyHandle(of: key) else { return nil }
        let slot = keys.slot(of: handle)
        if keys.expires(handle), hasExpired(slot) { return nil }
        return slot
    }

    /// The slot of a key's entry, expired or not, or `nil`.
    @inline(__always)
    func storedSlot(of key: KeyReference) -> EntrySlot? {
        unsafe keyHandle(of: key).map { keys.slot(of: $0) }
    }

    @inline(__always)
    private func keyHandle(of key: KeyReference) -> KeySlab.Handle? {
        let tag = unsafe KeyIndex.tag(of: key.fingerprint)
        return index.find(tag: tag) { unsafe keys.matches($0, key.bytes) }
    }

    /// The object of an entry.
    func object(at slot: EntrySlot) -> MemoryObject {
        unsafe entries[slot].object._withUnsafeGuaranteedRef { $0 }
    }

    /// Notes a use and, for a reader or a pin, takes the entry out of the candidates.
    mutating func use(_ slot: EntrySlot, suspending: Bool) {
        entries[slot].lastUse = tick()
        entries[slot].wasOfferedAgain = false
        evictor.recordHit(slot)
        guard suspending, !entries[slot].isSuspended else { return }
        entries[slot].isSuspended = true
        evictor.suspend(slot)
    }

    /// Adds an entry for a key that has none; `nil` when the index cannot take it.
    mutating func insert(
        _ key: KeyReference,
        _ object: MemoryObject,
        block: SegregatedFitAllocator.BlockID
    ) -> EntrySlot? {
        let slot = recycledSlot == .max ? slotHighWater : recycledSlot
        let tag = unsafe KeyIndex.tag(of: key.fingerprint)
        guard let handle = unsafe keys.insert(key.bytes, slot: slot) else { return nil }
        guard index.insert(tag: tag, key: handle) else {
            keys.remove(handle)
            return nil
        }
        if slot == slotHighWater {
            slotHighWater += 1
        } else {
            recycledSlot = EntrySlot(entries[slot].lastUse)
        }
        unsafe statistics.keyByteCount += key.bytes.count
        unsafe entries[slot] = Entry(
            object: .passRetained(object),
            lastUse: tick(),
            tag: tag,
            block: block,
            key: handle
        )
        evictor.insert(slot)
        account(object, sign: 1)
        return slot
    }

    /// Takes an entry out of index, evictor and accounting; the value's memory is settled by `removed`.
    mutating func remove(_ slot: EntrySlot, into removed: inout RemovedEntries, blockIsReused: Bool) {
        let entry = entries[slot]
        let object = object(at: slot)
        if entry.expires { expiries.remove(slot) }
        index.remove(tag: entry.tag, key: entry.key)
        evictor.remove(slot)
        account(object, sign: -1)
        statistics.keyByteCount -= keys.byteCount(of: entry.key)
        keys.remove(entry.key)
        object.dropPins(entry.pinCount)
        let isUnused = object.leaveIndex()
        if blockIsReused {
            precondition(isUnused, "an evicted value was in use")
            object.disownBlock()
        }
        unsafe removed.append(entry.object, mustReclaim: isUnused && !blockIsReused)
        entries[slot].isSuspended = false
        entries[slot].expires = false
        entries[slot].isLive = false
        entries[slot].lastUse = UInt64(recycledSlot)
        recycledSlot = slot
    }

    /// Puts another value in an entry's place; it keeps the key's pins, and counts as just stored.
    mutating func replace(
        _ slot: EntrySlot,
        with object: MemoryObject,
        block: SegregatedFitAllocator.BlockID,
        removed: inout RemovedEntries
    ) {
        let entry = entries[slot]
        let old = self.object(at: slot)
        account(old, sign: -1)
        old.dropPins(entry.pinCount)
        unsafe removed.append(entry.object, mustReclaim: old.leaveIndex())
        unsafe entries[slot].object = .passRetained(object)
        entries[slot].block = block
        entries[slot].lastUse = tick()
        entries[slot].isSuspended = false
        entries[slot].wasOfferedAgain = false
        for _ in 0..<entry.pinCount { _ = object.acquire(ReferenceWord.pin) }
        evictor.remove(slot)
        evictor.insert(slot)
        account(object, sign: 1)
    }

    mutating func account(_ object: MemoryObject, sign: Int) {
        statistics.entryCount += sign
        statistics.entryByteCount += sign * object.physicalByteCount
        statistics.payloadByteCount += sign * object.byteCount
    }

    /// Removes the entries of a batch of slots; returns where the next batch starts, `nil` after the last.
    mutating func removeEntries(from start: EntrySlot, into removed: inout RemovedEntries) -> EntrySlot? {
        let end = min(slotHighWater, start &+ StoreLimits.batchSlotCount)
        for slot in start..<max(start, end) where isLive(slot) {
            remove(slot, into: &removed, blockIsReused: false)
        }
        return end < slotHighWater ? end : nil
    }

    /// Whether a slot holds an entry.
    func isLive(_ slot: EntrySlot) -> Bool { slot < slotHighWater && entries[slot].isLive }
}
