public import RepriseCore

/// A store that keeps nothing: for measuring what everything else costs.
///
/// - Source: LMCache `lmcache/v1/storage_backend/connector/blackhole_connector.py`.
public final class BlackholeConnector: RemoteConnector {
    /// Without effect.
    public var deadline: ContinuousClock.Instant?

    /// Creates a store.
    public init() {}

    /// Always succeeds.
    public func ping() {}

    /// Nothing is ever stored.
    public func exists(_ keys: [StorageKey]) -> [Bool] { [Bool](repeating: false, count: keys.count) }

    /// Nothing is ever found.
    public func get(_ key: StorageKey, _ allocate: RemoteAllocation) -> RemoteValue { .absent }

    /// Takes the value, and forgets it.
    public func put(_ key: StorageKey, _ object: MemoryObject) {}

    /// There is nothing to remove.
    public func remove(_ key: StorageKey) -> Bool { false }

    /// No keys.
    public func list() -> [StorageKey] { [] }

    /// Does nothing.
    public func close() {}
}
