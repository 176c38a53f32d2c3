/// One stored value, as its backend's table holds it: plain words, so that copying costs no reference count.
@safe
struct Entry: BitwiseCopyable {
    /// The value; the entry holds one unit of the Swift object's own reference count.
    var object: Unmanaged<MemoryObject>
    /// The store's clock when the entry was last stored, read or released.
    var lastUse: UInt64
    /// The upper half of the key's fingerprint.
    let tag: UInt32
    /// The value's block in the pool's arena.
    var block: SegregatedFitAllocator.BlockID
    /// Where the key's bytes are.
    let key: KeySlab.Handle
    /// Pins of the key: they pass to the value that replaces this one, and end with the entry.
    var pinCount: UInt16 = 0
    /// Whether the slot holds an entry; a recycled slot keeps the next recycled one in `lastUse`.
    var isLive = true
    private var flags: UInt8 = 0

    init(
        object: Unmanaged<MemoryObject>,
        lastUse: UInt64,
        tag: UInt32,
        block: SegregatedFitAllocator.BlockID,
        key: KeySlab.Handle
    ) {
        // SAFETY: the entry takes over the caller's unit of the reference count.
        unsafe self.object = object
        self.lastUse = lastUse
        self.tag = tag
        self.block = block
        self.key = key
    }

    /// Whether the evictor counts the entry as in use or pinned.
    var isSuspended: Bool {
        get { flags & 1 != 0 }
        set { flags = newValue ? flags | 1 : flags & ~1 }
    }

    /// Whether the slower tier was asked, since the entry's last use, to take it before it is evicted.
    var wasOfferedAgain: Bool {
        get { flags & 4 != 0 }
        set { flags = newValue ? flags | 4 : flags & ~4 }
    }

    /// Whether the entry is in the expiry wheel.
    var expires: Bool {
        get { flags & 2 != 0 }
        set { flags = newValue ? flags | 2 : flags & ~2 }
    }
}

/// What a critical section took out of the store, to be destroyed after the lock is released.
///
/// Usually one entry, or none: the first is kept inline.
@safe
struct RemovedEntries: ~Copyable {
    @safe
    private struct Removed {
        // SAFETY: the entry's unit of the object's reference count moves here, and ends in `deinit`.
        let object: Unmanaged<MemoryObject>
        let mustReclaim: Bool
    }

    private var first: Removed?
    private var others: [Removed] = []

    /// Takes over an entry's object.
    mutating func append(_ object: Unmanaged<MemoryObject>, mustReclaim: Bool) {
        unsafe append(Removed(object: object, mustReclaim: mustReclaim))
    }

    private mutating func append(_ removed: Removed) {
        if first == nil { first = removed } else { others.append(removed) }
    }

    deinit {
        if let removed = first { RemovedEntries.destroy(removed) }
        for removed in others { RemovedEntries.destroy(removed) }
    }

    private static func destroy(_ removed: Removed) {
        // SAFETY: the entry's unit of the reference count was handed over to us.
        let object = unsafe removed.object.takeRetainedValue()
        if removed.mustReclaim { object.reclaim() }
    }
}
