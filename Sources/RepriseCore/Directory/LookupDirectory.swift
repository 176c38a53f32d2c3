/// Where nodes look up who else has a key: one node's view of it.
///
/// Every entry is one holder's, and a key may have several. A node notes and removes its own entries only.
/// Entries count as long as their holder is alive, and are a hint: the holder may have lost the key since.
///
/// - Source: LMCache `lmcache/v1/lookup_server.py`, whose entries have one holder that every node may remove,
///   and that never ends.
public protocol LookupDirectory: AnyObject, Sendable {
    /// Notes that this node has keys; none is fine. Returns at once, and takes effect soon.
    func insert(_ keys: [StorageKey])

    /// Notes that this node has keys no more; none is fine. Returns at once, and takes effect soon.
    func remove(_ keys: [StorageKey])

    /// Notes that this node has no keys any more.
    func removeAll()

    /// Finds the other nodes that have each of some keys, in one round trip.
    ///
    /// - Parameter completion: Called once, from any thread, with the live holders of each key, in no order;
    ///   without any when the directory does not answer.
    func findHolders(of keys: [StorageKey], completion: @escaping @Sendable ([[KeyHolder]]) -> Void)

    /// Removes this node's entries, and lets go of everything; calling it again does nothing.
    func close()
}

extension LookupDirectory {
    /// Notes that this node has a key.
    public func insert(_ key: StorageKey) { insert([key]) }

    /// Notes that this node has a key no more.
    public func remove(_ key: StorageKey) { remove([key]) }

    /// The other nodes that have each of some keys; blocks while the directory is asked.
    ///
    /// - Precondition: not called inside a Swift task; this traps there.
    public func holders(of keys: [StorageKey]) -> [[KeyHolder]] {
        let task = BackendTask<[[KeyHolder]]>()
        findHolders(of: keys) { task.end($0) }
        return task.wait()
    }

    /// The other nodes that have a key; blocks while the directory is asked.
    ///
    /// - Precondition: not called inside a Swift task; this traps there.
    public func holders(of key: StorageKey) -> [KeyHolder] { holders(of: [key])[0] }
}
