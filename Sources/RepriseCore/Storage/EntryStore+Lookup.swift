// SAFETY, whole file: references to keys are not kept beyond the closures that they are given to.

extension EntryStore {
    /// Whether a key is stored; a use, when `recordingUse`, makes it the most recent.
    func contains(_ key: StorageKey, recordingUse: Bool) -> Bool {
        lock.withLock { state in
            guard let slot = state.slot(of: key) else {
                return unsafe key.withReference { unsafe state.isCold($0, recordingUse: recordingUse) }
            }
            if recordingUse { state.use(slot, suspending: false) }
            return true
        }
    }

    /// The value of a key with a reference for the caller, or `nil`.
    func acquire(_ key: StorageKey) -> MemoryObject? {
        unsafe key.withReference { key in lock.withLock { unsafe $0.acquire(key) } }
    }

    /// The length of the longest stored prefix of `keys`; pins each of its entries when `pinning`.
    func prefixLength(of keys: [StorageKey], pinning: Bool) -> Int {
        lock.withLock { state in
            guard pinning else { return state.prefixLength(of: keys) }
            let slots = state.prefixSlots(of: keys)
            let pinnable = slots.firstIndex { !state.isPinnable($0) } ?? slots.count
            for slot in slots[..<pinnable].reversed() { state.pin(slot) }
            return pinnable
        }
    }

    /// Which of `keys` are stored, here or behind.
    func presence(of keys: [StorageKey]) -> [Bool] {
        lock.withLock { state in
            keys.map { state.slot(of: $0) != nil || state.slower?.isStored($0) == true }
        }
    }

    /// The values of the longest stored prefix of `keys`, each with a reference for the caller.
    ///
    /// Recency is touched from tail to head, so that a prefix is evicted from its tail.
    func acquirePrefix(of keys: [StorageKey]) -> [MemoryObject] {
        lock.withLock { state in
            let slots = state.prefixSlots(of: keys)
            for slot in slots.reversed() {
                state.use(slot, suspending: true)
                _ = state.object(at: slot).acquire(ReferenceWord.reference)
            }
            state.statistics.hitCount += UInt64(slots.count)
            if slots.count < keys.count { state.statistics.missCount += 1 }
            return slots.map { state.object(at: $0) }
        }
    }

    /// Pins a key; `false` when it is not stored, or has as many pins as can be counted.
    func pin(_ key: StorageKey) -> Bool {
        lock.withLock { state in
            guard let slot = state.slot(of: key), state.isPinnable(slot) else { return false }
            state.pin(slot)
            return true
        }
    }

    /// Gives a pin of a key back; `false` when it is not stored or not pinned.
    ///
    /// A pin of an entry that has expired is given back too, so that the key's next value does not get it.
    func unpin(_ key: StorageKey) -> Bool {
        let (object, isStored) = lock.withLock { state -> (MemoryObject?, Bool) in
            guard let slot = unsafe key.withReference({ unsafe state.storedSlot(of: $0) }),
                state.entries[slot].pinCount > 0
            else { return (nil, false) }
            state.entries[slot].pinCount -= 1
            return (state.object(at: slot), !state.hasExpired(slot))
        }
        // Outside the lock: the last hold's end takes it again.
        object?.unpin()
        return isStored
    }

    /// Up to `count` keys, at least one, of the slots from `cursor` on, and where to go on; 0 after the last
    /// slot.
    ///
    /// An entry keeps its slot as long as it is stored, so a walk from 0 to 0 meets every key that is there
    /// all the time.
    func scan(from cursor: UInt64, count: Int) -> (keys: [StorageKey], next: UInt64) {
        lock.withLock { state in
            guard cursor < UInt64(state.slotHighWater) else { return ([], 0) }
            var slot = EntrySlot(cursor)
            let end = min(state.slotHighWater, slot + StoreLimits.batchSlotCount)
            var found: [StorageKey] = []
            while slot < end, found.count < max(1, count) {
                if state.isLive(slot), !state.hasExpired(slot) {
                    found.append(state.keys.key(of: state.entries[slot].key))
                }
                slot += 1
            }
            return (found, slot == state.slotHighWater ? 0 : UInt64(slot))
        }
    }

    /// All keys, least recently used first; entries that come or go meanwhile may be missed.
    ///
    /// - Complexity: O(entries) in batches of one lock acquisition each, plus the sort.
    func keys() -> [StorageKey] {
        var found: [(lastUse: UInt64, key: StorageKey)] = []
        var start: EntrySlot = 0
        while true {
            let isLast = lock.withLock { state in
                let end = min(state.slotHighWater, start + StoreLimits.batchSlotCount)
                for slot in start..<max(start, end) where state.isLive(slot) && !state.hasExpired(slot) {
                    found.append((state.entries[slot].lastUse, state.keys.key(of: state.entries[slot].key)))
                }
                return end == state.slotHighWater
            }
            if isLast { break }
            start += StoreLimits.batchSlotCount
        }
        return found.sorted { $0.lastUse < $1.lastUse }.map(\.key)
    }
}

extension EntryStore.State {
    mutating func acquire(_ key: KeyReference) -> MemoryObject? {
        guard let slot = unsafe slot(of: key) else {
            statistics.missCount += 1
            return nil
        }
        statistics.hitCount += 1
        return acquire(slot)
    }

    /// The object of an entry with a reference for the caller; a use.
    mutating func acquire(_ slot: EntrySlot) -> MemoryObject {
        use(slot, suspending: true)
        let object = object(at: slot)
        _ = object.acquire(ReferenceWord.reference)
        return object
    }

    /// Whether one more pin of an entry can be counted.
    func isPinnable(_ slot: EntrySlot) -> Bool { entries[slot].pinCount < .max }

    mutating func pin(_ slot: EntrySlot) {
        entries[slot].pinCount += 1
        use(slot, suspending: true)
        _ = object(at: slot).acquire(ReferenceWord.pin)
    }

    /// How many of the first keys are stored, here or behind.
    func prefixLength(of keys: [StorageKey]) -> Int {
        var count = 0
        for key in keys {
            guard slot(of: key) != nil || slower?.isStored(key) == true else { break }
            count += 1
        }
        return count
    }

    func prefixSlots(of keys: [StorageKey]) -> [EntrySlot] {
        var slots: [EntrySlot] = []
        for key in keys {
            guard let slot = slot(of: key) else { break }
            slots.append(slot)
        }
        return slots
    }
}
