public import RepriseCore
package import RepriseDisk

/// What a cache server needs of whatever stores its values.
///
/// The contract of LMCache's `LMSBackendInterface`, with puts that are received in place: `reserve`, fill,
/// commit.
///
/// - Source: LMCache `lmcache/v1/server/storage_backend/abstract_backend.py`.
public protocol LMSBackend: AnyObject, Sendable {
    /// Takes room for a value that is about to be received; see
    /// ``LocalCPUBackend/reserve(for:byteCount:metadata:whenRoomReturns:)``.
    func reserve(
        for key: StorageKey?,
        byteCount: Int,
        metadata: MemoryObjectMetadata,
        whenRoomReturns: @escaping @Sendable () -> Void
    ) -> ReserveOutcome

    /// The value of a key with a reference for the caller, or where it is; a use.
    ///
    /// - Parameter asksElsewhere: Whether a key that this node does not have, and others may, is to be
    ///   loaded.
    func lookUp(_ key: StorageKey, asksElsewhere: Bool) -> LMSLookup

    /// Brings a value into memory that ``lookUp(_:)`` said is to be loaded.
    ///
    /// - Parameter completion: Called once, from any thread, with the object and a reference for the callee;
    ///   `nil` when the value cannot be had.
    func load(_ key: StorageKey, completion: @escaping @Sendable (MemoryObject?) -> Void)

    /// Whether a key is stored; counts as a use, as EXIST over the wire does.
    func contains(_ key: StorageKey) -> Bool

    /// All keys, least recently used first.
    func listKeys() -> [StorageKey]

    /// Performs operations that share one acquisition of the lock.
    func perform(_ batch: inout StoreBatch)

    /// Up to `count` keys, and the cursor to go on with; see ``LocalCPUBackend/scan(from:count:)``.
    func scan(from cursor: UInt64, count: Int) -> (keys: [StorageKey], next: UInt64)

    /// Stored values.
    var entryCount: Int { get }

    /// Removes every key; says what is to be recorded before that is acknowledged.
    func removeAll() -> RecordedChange?

    /// What leaves first when room is needed.
    var evictionPolicy: EvictionPolicy { get }

    /// Removes a key; says whether it was stored, and what is to be recorded before that is acknowledged.
    func remove(_ key: StorageKey) -> (wasStored: Bool, change: RecordedChange?)

    /// What is stored and what was done.
    var statistics: LMSStatistics { get }

    /// Bytes that values can take together.
    var capacityByteCount: Int { get }

    /// Whether the bookkeeping of the memory agrees with itself; `nil` when there is too much of it to be
    /// checked while serving.
    var isConsistent: Bool? { get }

    /// Whether somebody waits for others' reservations to end.
    var isReservationAwaited: Bool { get }

    /// The memory file that values lie in; `nil` where they cannot be shared with other processes.
    var arenaFile: ArenaFile? { get }

    /// Lets an entry go whose value is held, as eviction would; whoever holds the value keeps the memory.
    func evict(_ key: StorageKey, holding object: MemoryObject)

    /// Lets go of everything; further puts are refused.
    func close()
}

/// Where a key's value is.
public enum LMSLookup: Sendable {
    /// In memory, with a reference for the caller.
    case object(MemoryObject)
    /// On a slower device, or perhaps at another node or in a remote store: its bytes, if there are any, are
    /// to be loaded first. 0 bytes when nobody knows yet.
    case mustLoad(byteCount: Int)
    /// Nowhere.
    case absent
}

extension LMSBackend {
    /// The value of a key with a reference for the caller, or where it is on this node; a use.
    public func lookUp(_ key: StorageKey) -> LMSLookup { lookUp(key, asksElsewhere: false) }
}

/// What an ``LMSBackend`` holds and has done.
public struct LMSStatistics: Sendable {
    /// Entries and their use.
    public let store: StoreStatistics
    /// Bytes that values can take together.
    public let capacityByteCount: Int
    /// Bytes in use, reservations and detached values included.
    public let usedByteCount: Int
    /// Bytes of buffers outside the arena.
    public let bufferByteCount: Int
    /// What the system gave and refused.
    public let arena: ArenaReport
    /// What each disk holds and has done.
    package let disks: [NamedDiskStatistics]
    /// What the stores elsewhere have done, by name: `remote`, `peers`, `directory`.
    package let elsewhere: [ElsewhereStatistics]
}

extension LMSBackend {
    /// Stores a copy of `bytes` in place of an older value.
    ///
    /// - Returns: `false` when there is no room, or too much of it is reserved.
    public func put(_ key: StorageKey, metadata: MemoryObjectMetadata, copying bytes: RawSpan) -> Bool {
        switch reserve(for: key, byteCount: bytes.byteCount, metadata: metadata, whenRoomReturns: {}) {
        case .reserved(let reservation):
            reservation.object.copy(from: bytes)
            return reservation.commit(key)
        default:
            return false
        }
    }
}

extension LMSBackend {
    /// The value of a key that is in memory, with a reference for the caller, or `nil`; a use.
    public func get(_ key: StorageKey) -> MemoryObject? {
        guard case .object(let object) = lookUp(key) else { return nil }
        return object
    }
}

/// A disk's statistics with the name of its directory.
package struct NamedDiskStatistics: Sendable {
    /// The disk's directory.
    package let path: String
    /// What it holds and has done.
    package let statistics: DiskStatistics
}
