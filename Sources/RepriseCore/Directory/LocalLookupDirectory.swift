/// Who has which keys, for nodes within one process.
public final class LocalLookupTable: Sendable {
    private struct State {
        var holders: [StorageKey: Set<KeyHolder>] = [:]
        var keys: [KeyHolder: Set<StorageKey>] = [:]
        /// When each holder was last heard of.
        var heartbeats: [KeyHolder: ContinuousClock.Instant] = [:]
    }

    private let state = Lock(State())
    private let lifetime: Duration?
    private let now: @Sendable () -> ContinuousClock.Instant

    /// Creates an empty table.
    ///
    /// - Parameters:
    ///   - lifetime: How long a holder that is not heard of counts as alive; `nil` for ever.
    ///   - now: The clock.
    public init(
        lifetime: Duration? = nil,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.lifetime = lifetime
        self.now = now
    }

    /// The keys that a holder has, in no order, whether or not it is alive.
    public func keys(of holder: KeyHolder) -> [StorageKey] {
        state.withLock { Array($0.keys[holder] ?? []) }
    }

    func insert(_ keys: [StorageKey], _ holder: KeyHolder) {
        state.withLock { state in
            state.heartbeats[holder] = now()
            for key in keys {
                state.holders[key, default: []].insert(holder)
                state.keys[holder, default: []].insert(key)
            }
        }
    }

    func remove(_ keys: [StorageKey], _ holder: KeyHolder) {
        state.withLock { state in
            for key in keys where state.keys[holder]?.remove(key) != nil {
                state.holders[key]?.remove(holder)
                if state.holders[key]?.isEmpty == true { state.holders[key] = nil }
            }
        }
    }

    func forget(_ holder: KeyHolder) {
        remove(keys(of: holder), holder)
        state.withLock { state in
            state.keys[holder] = nil
            state.heartbeats[holder] = nil
        }
    }

    func heartbeat(_ holder: KeyHolder) { state.withLock { $0.heartbeats[holder] = now() } }

    func holders(of keys: [StorageKey], but asking: KeyHolder) -> [[KeyHolder]] {
        state.withLock { state in
            keys.map { key in
                (state.holders[key] ?? []).filter { $0 != asking && isAlive(state.heartbeats[$0]) }
            }
        }
    }

    private func isAlive(_ heartbeat: ContinuousClock.Instant?) -> Bool {
        guard let heartbeat else { return false }
        guard let lifetime else { return true }
        return heartbeat + lifetime > now()
    }
}

/// One node's view of a lookup directory in this process's memory.
public final class LocalLookupDirectory: LookupDirectory {
    /// The node.
    public let holder: KeyHolder
    /// What it shares with others.
    public let table: LocalLookupTable

    /// Creates a node's view of a table.
    public init(
        _ table: LocalLookupTable = LocalLookupTable(),
        holder: KeyHolder = KeyHolder(host: "localhost", port: 1)
    ) {
        self.table = table
        self.holder = holder
    }

    /// The keys that the node has noted, in no order.
    public var keys: [StorageKey] { table.keys(of: holder) }

    /// Notes that this node has keys.
    public func insert(_ keys: [StorageKey]) { table.insert(keys, holder) }

    /// Notes that this node has keys no more.
    public func remove(_ keys: [StorageKey]) { table.remove(keys, holder) }

    /// Notes that this node has no keys any more.
    public func removeAll() { table.remove(keys, holder) }

    /// Says that the node lives, for tables whose holders have a lifetime.
    public func heartbeat() { table.heartbeat(holder) }

    /// Finds the other nodes that have each of some keys.
    public func findHolders(
        of keys: [StorageKey],
        completion: @escaping @Sendable ([[KeyHolder]]) -> Void
    ) {
        completion(table.holders(of: keys, but: holder))
    }

    /// Removes the node's entries.
    public func close() { table.forget(holder) }
}
