public import RepriseCore

/// A store in front of another one that remembers the checksum of what it has put, and answers by it.
///
/// What comes back with another checksum is `corrupt`. It also keeps values right that prove nothing
/// themselves, as far as they were put by this process. The checksums are shared by all connections to one
/// store.
///
/// - Source: LMCache `lmcache/v1/storage_backend/connector/audit_connector.py`.
public final class AuditConnector: RemoteConnector {
    /// What was put, by key.
    public final class Ledger: Sendable {
        private let checksums = Lock<[StorageKey: UInt32]>([:])
        private let mismatches = Lock(0)

        /// The most keys that are remembered; puts beyond it are not checked.
        public static let keyCountMax = 1 << 20

        /// Creates an empty ledger.
        public init() {}

        /// Values that came back other than they were put.
        public var mismatchCount: Int { mismatches.withLock { $0 } }

        fileprivate func note(_ key: StorageKey, _ checksum: UInt32?) {
            checksums.withLock { checksums in
                guard checksums.count < Self.keyCountMax || checksums[key] != nil || checksum == nil else {
                    return
                }
                checksums[key] = checksum
            }
        }

        fileprivate func agrees(_ key: StorageKey, _ object: MemoryObject) -> Bool {
            guard let expected = checksums.withLock({ $0[key] }) else { return true }
            guard CRC32C.of(object.bytes) != expected else { return true }
            mismatches.withLock { $0 += 1 }
            return false
        }
    }

    private let inner: any RemoteConnector
    private let ledger: Ledger

    /// Puts itself in front of another store.
    public init(_ inner: any RemoteConnector, ledger: Ledger) {
        self.inner = inner
        self.ledger = ledger
    }

    /// When the calls that follow give up.
    public var deadline: ContinuousClock.Instant? {
        get { inner.deadline }
        set { inner.deadline = newValue }
    }

    /// Asks whether the store answers.
    public func ping() throws(RemoteError) { try inner.ping() }

    /// Whether each key is stored.
    public func exists(_ keys: [StorageKey]) throws(RemoteError) -> [Bool] { try inner.exists(keys) }

    /// Fetches a value, and compares it with what was put.
    public func get(_ key: StorageKey, _ allocate: RemoteAllocation) throws(RemoteError) -> RemoteValue {
        let value = try inner.get(key, allocate)
        guard let object = value.object, !ledger.agrees(key, object) else { return value }
        object.release()
        return .corrupt
    }

    /// Stores a value, and remembers its checksum.
    public func put(_ key: StorageKey, _ object: MemoryObject) throws(RemoteError) {
        // Until the store has it, either value may come back.
        ledger.note(key, nil)
        try inner.put(key, object)
        ledger.note(key, CRC32C.of(object.bytes))
    }

    /// Removes a key.
    public func remove(_ key: StorageKey) throws(RemoteError) -> Bool {
        ledger.note(key, nil)
        return try inner.remove(key)
    }

    /// All keys.
    public func list() throws(RemoteError) -> [StorageKey] { try inner.list() }

    /// Closes the store's connections for good.
    public func close() { inner.close() }
}
