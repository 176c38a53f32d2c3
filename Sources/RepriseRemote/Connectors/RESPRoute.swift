internal import RepriseCore

/// Finds the server that has a key, among those of one store.
internal protocol RESPRoute: AnyObject {
    /// When calls give up.
    var deadline: ContinuousClock.Instant? { get set }

    /// Does something at the server that a stored key belongs to.
    ///
    /// The body may be called several times, at several servers.
    func perform<Result>(
        for storedKey: StorageKey,
        _ body: (inout RESPConnection) throws(RemoteError) -> Result
    ) throws(RemoteError) -> Result

    /// Does something at every server that keys belong to.
    func performEverywhere(_ body: (inout RESPConnection) throws(RemoteError) -> Void) throws(RemoteError)

    /// Does something at any one server that answers: the others may be gone for good.
    func performAnywhere(_ body: (inout RESPConnection) throws(RemoteError) -> Void) throws(RemoteError)

    /// The positions of keys, together with those that belong to the same server.
    func groups(of storedKeys: [StorageKey]) -> [[Int]]

    /// Closes every connection for good.
    func close()
}

// Stores of which one server has all keys.
extension RESPRoute {
    func performEverywhere(_ body: (inout RESPConnection) throws(RemoteError) -> Void) throws(RemoteError) {
        try perform(for: StorageKey([]), body)
    }

    func performAnywhere(_ body: (inout RESPConnection) throws(RemoteError) -> Void) throws(RemoteError) {
        try perform(for: StorageKey([]), body)
    }

    func groups(of storedKeys: [StorageKey]) -> [[Int]] { [Array(storedKeys.indices)] }
}
