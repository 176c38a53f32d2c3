/// What a memory backend asks of the slower backends behind it, so that a key has one current value wherever
/// its bytes are.
///
/// The first group of calls is made under the memory backend's lock: each decides in O(1) on indexes alone,
/// and leaves I/O to be started by ``start()``, which is called without the lock. Lock order: the memory
/// backend's, then the slower ones' (docs/CONCURRENCY.md).
package protocol SlowerTier: AnyObject, Sendable {
    // Under the memory backend's lock.

    /// What is stored for a key, or `nil`; an entry that has expired, or is being withdrawn, is none.
    func find(_ key: KeyReference) -> SlowerEntry?

    /// Whether a key that ``find(_:)`` does not know may be somewhere else, so that it is to be loaded, which
    /// may find nothing, before it counts as not stored.
    func mayBeElsewhere(_ key: KeyReference) -> Bool

    /// Forgets a key's older copy, stored or on its way; `nil` when there is nothing to record.
    func withdraw(_ key: KeyReference) -> RecordedChange?

    /// Takes a value that was just committed, or is about to be evicted, as a put task; takes a reference of
    /// its own.
    ///
    /// - Parameter deadline: When the value expires, in milliseconds since 1970; `nil` for never.
    /// - Returns: `false` when the task was dropped: the queue is full, or the value can never fit.
    @discardableResult
    func offer(_ key: KeyReference, _ object: MemoryObject, deadline: Int64?) -> Bool

    /// Sets when a stored entry, or one on its way, expires; `nil` when there is nothing to record.
    func setDeadline(_ key: KeyReference, to deadline: Int64?) -> RecordedChange?

    /// Counts a key as just used; called when its value leaves the memory.
    func touch(_ key: KeyReference)

    /// Whether a key is stored or on its way, so that its value need not be offered again.
    func holds(_ key: KeyReference) -> Bool

    // Without any lock.

    /// Starts the I/O that calls under the lock have decided on.
    func start()

    /// Brings a key's value into memory; calls for one key share one read.
    ///
    /// - Parameter completion: Called once, from a thread of the slower tier or the caller's own, with the
    ///   object and a reference for the callee; `nil` when the value is gone, cannot be proven, or no memory
    ///   can be had.
    func load(_ key: StorageKey, completion: @escaping @Sendable (MemoryObject?) -> Void)

    /// Forgets every key, stored or on its way.
    func withdrawAll() -> RecordedChange?

    /// Up to `count` keys from `cursor` on, and where to go on; 0 after the last place. Keys are listed
    /// whether or not they are in memory too.
    func scan(from cursor: UInt64, count: Int) -> (keys: [StorageKey], next: UInt64)

    /// Keys that are stored.
    var entryCount: Int { get }

    /// Lets go of everything, after what is queued is written and the index is saved.
    func close()
}

/// What is known of a value without reading it.
package struct SlowerEntry: Hashable, Sendable {
    /// Bytes of the value.
    package var byteCount: Int
    /// Bytes that it takes of the slower storage.
    package var physicalByteCount: Int
    /// When it expires, in milliseconds since 1970; `nil` for never.
    package var deadline: Int64?

    /// Creates a description.
    package init(byteCount: Int, physicalByteCount: Int, deadline: Int64?) {
        self.byteCount = byteCount
        self.physicalByteCount = physicalByteCount
        self.deadline = deadline
    }
}
