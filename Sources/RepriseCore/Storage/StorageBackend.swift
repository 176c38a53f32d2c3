/// A place that stores values by key.
///
/// The contract of LMCache's `StorageBackendInterface`, with its open ends closed (docs/FROM_LMCACHE.md):
///
/// - A lookup sees committed values only. After a put task has ended with `true`, the key is found, until it
///   is evicted, removed or overwritten.
/// - The last put of a key that commits wins.
/// - Objects are returned with a reference that the caller releases.
/// - Batch calls work on the longest prefix of their keys, and touch recency from tail to head.
///
/// Every backend passes `BackendConformance` of RepriseTesting.
///
/// - Source: LMCache `lmcache/v1/storage_backend/abstract_backend.py`.
public protocol StorageBackend: AnyObject, Sendable {
    /// Where values are wanted; validated when the backend is made.
    var destinationDevice: Device { get }

    /// Whether a key is stored; pins it in the same step when `pinning`. Leaves recency alone unless it pins.
    func contains(_ key: StorageKey, pinning: Bool) -> Bool

    /// Whether a put of the key was accepted and has not ended.
    func existsInPutTasks(_ key: StorageKey) -> Bool

    /// Stores an object; takes a reference of its own.
    ///
    /// - Returns: `nil` when the object is refused: it can never fit, or the backend is closed. Nothing has
    ///   changed then.
    @discardableResult
    func submitPutTask(_ key: StorageKey, _ object: MemoryObject) -> PutTask?

    /// Starts loading a value into memory; `nil` when the key is absent or the backend's values are in memory
    /// anyway.
    func submitPrefetchTask(_ key: StorageKey) -> PrefetchTask?

    /// The value of a key, or `nil`.
    ///
    /// - Precondition: not called inside a Swift task if the backend does I/O; it traps there.
    func getBlocking(_ key: StorageKey) -> MemoryObject?

    /// Removes a key; `false` when it is not stored.
    @discardableResult
    func remove(_ key: StorageKey) -> Bool

    /// Removes a key without blocking: it is not found any more when this returns. The task ends when no end
    /// of the process can bring it back, with whether it was stored.
    @discardableResult
    func submitRemoveTask(_ key: StorageKey) -> BackendTask<Bool>

    /// Keeps a key from being evicted until ``unpin(_:)``; `false` when it is not stored. A pin passes to the
    /// value that replaces the key's, and ends with the key's removal.
    func pin(_ key: StorageKey) -> Bool

    /// Gives a pin back; `false` when the key is not stored or not pinned.
    @discardableResult
    func unpin(_ key: StorageKey) -> Bool

    /// The length of the longest stored prefix of `keys`; pins its entries in the same step when `pinning`.
    func batchedContains(_ keys: [StorageKey], pinning: Bool) -> Int

    /// Which of `keys` are stored, whatever holes there are between them. Leaves recency alone.
    ///
    /// By default each key is asked for; a backend for which a question is a way to elsewhere and back asks
    /// for all of them at once.
    func presence(of keys: [StorageKey]) -> [Bool]

    /// The values of the longest stored prefix of `keys`.
    func batchedGetBlocking(_ keys: [StorageKey]) -> [MemoryObject]

    /// Stores objects under the keys at the same positions; each result is as of ``submitPutTask(_:_:)``.
    ///
    /// - Precondition: as many keys as objects, or this traps.
    @discardableResult
    func batchedSubmitPutTask(_ keys: [StorageKey], _ objects: [MemoryObject]) -> [PutTask?]

    /// Counts keys as used, the first as the last: of a prefix the tail is evicted first. Does no I/O; keys
    /// that are not stored are passed over.
    func touch(_ keys: ArraySlice<StorageKey>)

    /// All keys, least recently used first.
    var keys: [StorageKey] { get }

    /// Whether the backend does its work; does no I/O. ``BackendHealth/healthy`` if nothing else is said.
    var health: BackendHealth { get }

    /// Refuses further puts and lets go of everything; calling it again does nothing.
    func close()
}

extension StorageBackend {
    /// Does nothing, for backends that cannot say so without I/O, or have no order of use.
    public func touch(_ keys: ArraySlice<StorageKey>) {}

    /// Removes a key, for backends in which that does not block.
    @discardableResult
    public func submitRemoveTask(_ key: StorageKey) -> BackendTask<Bool> { BackendTask(ended: remove(key)) }

    /// Which of `keys` are stored, asked for one by one.
    public func presence(of keys: [StorageKey]) -> [Bool] { keys.map { contains($0, pinning: false) } }

    /// Nothing can be wrong.
    public var health: BackendHealth { .healthy }

    /// Whether a key is stored. Leaves recency alone.
    public func contains(_ key: StorageKey) -> Bool { contains(key, pinning: false) }

    /// The length of the longest stored prefix of `keys`.
    public func batchedContains(_ keys: [StorageKey]) -> Int { batchedContains(keys, pinning: false) }
}
