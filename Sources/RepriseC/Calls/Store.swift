internal import RepriseCore
internal import Synchronization

// SAFETY, whole file: addresses are handed on, not read.

/// Where a client's values are: at a node, or in this process.
///
/// Results are as of the functions of the C interface. Functions may block, and are called from any thread.
protocol Store: AnyObject, Sendable {
    /// Stores values in place of older ones; the last key's first, so that a prefix is evicted from its tail.
    func set(_ keys: KeyTable, _ values: ValueTable) throws(CallError) -> [Int64]

    /// Copies values out, of a lookup's as far as it has them.
    func get(_ keys: KeyTable, _ values: ValueTable, lookup: UInt64) throws(CallError) -> [Int64]

    /// Which keys are stored.
    func exists(_ keys: KeyTable) throws(CallError) -> [Int64]

    /// Removes keys.
    func remove(_ keys: KeyTable) throws(CallError) -> [Int64]

    /// The longest stored prefix, and the number of the lookup that keeps it.
    func lookUp(_ keys: KeyTable, keeping: Bool) throws(CallError) -> (prefix: Int, lookup: UInt64)

    /// Lets go of what a lookup keeps.
    func forget(_ lookup: UInt64) throws(CallError)

    /// Takes leases of values, of `countMax` at most.
    func acquire(_ keys: KeyTable, countMax: Int) throws(CallError) -> [AcquiredValue]

    /// Gives leases back.
    func release(_ leases: [HeldLease])

    /// What the store holds now.
    func facts() throws(CallError) -> StoreFacts

    /// Lets go of everything, once no call is under way and no lease is held.
    func close()
}

/// What a store holds, and whether it can be reached.
struct StoreFacts: Sendable {
    var isConnected = false
    var isWritable = false
    var capacityByteCount: UInt64 = 0
    var usedByteCount: UInt64 = 0
    var entryCount: UInt64 = 0
    var reconnectCount: UInt64 = 0
}

/// What keeps a view's bytes.
enum LeaseHolder: Sendable {
    /// A reference to an object of the embedded node.
    case object(MemoryObject)
    /// A lease of a node, and the connection that has it.
    case connection(Connection, identifier: UInt64)
}

/// A lease that a client holds.
struct HeldLease: Sendable {
    let holder: LeaseHolder
    let byteCount: Int
}

/// One key's answer to an acquire.
@safe
struct AcquiredValue: Sendable {
    /// The length, or a status.
    var result: Int64
    /// Where the bytes are, with a lease alone.
    nonisolated(unsafe) var address: UnsafeRawPointer?
    var format: Int32 = 0
    var dtype: Int32 = 0
    var shape = SIMD4<Int32>.zero
    var lease: HeldLease?

    /// An answer without a value.
    init(_ status: Status) {
        result = status.result
        unsafe address = nil
    }

    /// A value under a lease.
    init(at address: UnsafeRawPointer, _ lease: HeldLease) {
        result = Int64(lease.byteCount)
        unsafe self.address = address
        self.lease = lease
    }
}

/// Bytes that a client has copied.
final class CopyCounters: Sendable {
    private let stored = Atomic<UInt64>(0)
    private let loaded = Atomic<UInt64>(0)

    var storedByteCount: UInt64 { stored.load(ordering: .relaxed) }
    var loadedByteCount: UInt64 { loaded.load(ordering: .relaxed) }

    func addStored(_ byteCount: Int) { stored.wrappingAdd(UInt64(byteCount), ordering: .relaxed) }
    func addLoaded(_ byteCount: Int) { loaded.wrappingAdd(UInt64(byteCount), ordering: .relaxed) }
}
