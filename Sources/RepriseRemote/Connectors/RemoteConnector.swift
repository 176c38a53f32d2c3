public import RepriseCore

/// A store of values by key somewhere else: another process, another machine, or a file system.
///
/// One connector is one connection, or one to each node of a cluster. Used by one thread at a time; calls
/// block, at most until ``deadline``. A connection that the peer has closed is made anew, once a call, and
/// the request is sent again: requests may be done twice, which changes nothing.
///
/// - Source: LMCache `lmcache/v1/storage_backend/connector/base_connector.py`.
public protocol RemoteConnector: AnyObject {
    /// When the calls that follow give up; `nil` for never.
    var deadline: ContinuousClock.Instant? { get set }

    /// Asks whether the store answers.
    func ping() throws(RemoteError)

    /// Whether each of some keys is stored.
    func exists(_ keys: [StorageKey]) throws(RemoteError) -> [Bool]

    /// Fetches a value.
    ///
    /// - Parameter allocate: Gives memory for a value of so many bytes, described as given, with one
    ///   reference; `nil` when there is none.
    func get(_ key: StorageKey, _ allocate: RemoteAllocation) throws(RemoteError) -> RemoteValue

    /// Fetches values in the keys' order, asking for all of them before the first has come where the
    /// protocol allows that.
    ///
    /// - Parameter onValue: Takes a key's position and what the store has, as it comes; not called for those
    ///   behind a failure.
    func get(
        _ keys: [StorageKey],
        _ allocate: RemoteAllocation,
        onValue: (_ index: Int, _ value: RemoteValue) -> Void
    ) throws(RemoteError)

    /// Stores a value; returns when the store has confirmed it.
    func put(_ key: StorageKey, _ object: MemoryObject) throws(RemoteError)

    /// Removes a key, and returns whether it was stored.
    func remove(_ key: StorageKey) throws(RemoteError) -> Bool

    /// All keys, in no order.
    func list() throws(RemoteError) -> [StorageKey]

    /// Closes the connections for good: every later call throws `closed`, and makes none.
    func close()
}

extension RemoteConnector {
    /// One value after the other.
    public func get(
        _ keys: [StorageKey],
        _ allocate: RemoteAllocation,
        onValue: (_ index: Int, _ value: RemoteValue) -> Void
    ) throws(RemoteError) {
        for (index, key) in keys.enumerated() { onValue(index, try get(key, allocate)) }
    }
}

/// Gives memory for a value of so many bytes, with one reference, or `nil` when there is none.
public typealias RemoteAllocation = (_ byteCount: Int, _ metadata: MemoryObjectMetadata) -> MemoryObject?

/// What a store has under a key.
public enum RemoteValue {
    /// The value, with a reference for the caller.
    case found(MemoryObject)
    /// Nothing.
    case absent
    /// A value for which there is no memory.
    case outOfMemory
    /// Something that is not what it should be: it does not prove itself, or its parts do not fit.
    case corrupt

    /// The value, if it was found.
    public var object: MemoryObject? {
        if case .found(let object) = self { object } else { nil }
    }
}
