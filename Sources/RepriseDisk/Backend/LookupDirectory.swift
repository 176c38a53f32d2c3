public import RepriseCore

/// Where other nodes look up who has a key; told of every key that a disk backend stores or loses.
///
/// Calls come from the backend's threads, without a lock, and must not block for long.
///
/// - Source: LMCache `lmcache/v1/lookup_server.py`, whose calls for no keys at all are not made here.
public protocol LookupDirectory: AnyObject, Sendable {
    /// A key is stored here now.
    func insert(_ key: StorageKey)

    /// Keys are not stored here any more; at least one.
    func remove(_ keys: [StorageKey])
}

/// A lookup directory in this process's memory.
public final class LocalLookupDirectory: LookupDirectory {
    private let stored = Lock<Set<StorageKey>>([])

    /// Creates an empty directory.
    public init() {}

    /// The keys that are stored, in no order.
    public var keys: [StorageKey] { stored.withLock { Array($0) } }

    /// Whether a key is stored.
    public func contains(_ key: StorageKey) -> Bool { stored.withLock { $0.contains(key) } }

    /// Notes a key.
    public func insert(_ key: StorageKey) { stored.withLock { _ = $0.insert(key) } }

    /// Forgets keys.
    public func remove(_ keys: [StorageKey]) { stored.withLock { $0.subtract(keys) } }
}
