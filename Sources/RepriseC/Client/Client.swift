internal import CReprise
internal import RepriseCore

/// What a handle of the C interface stands for.
final class Client: Sendable {
    /// The client's number in the process.
    let serial: UInt64
    /// Where the values are.
    let store: any Store
    /// Bytes copied.
    let counters: CopyCounters
    /// Batches that the client's own threads carry out.
    let queue: BatchQueue
    private let leases = Lock(LeaseTable())
    private let isIdle = Lock(false)
    private let idle = Condition()

    /// Creates a client and starts its threads.
    ///
    /// - Throws: `system` when the system refuses a thread or a descriptor.
    init(
        serial: UInt64,
        store: any Store,
        counters: CopyCounters,
        copyThreadCount: UInt32
    ) throws(CallError) {
        self.serial = serial
        self.store = store
        self.counters = counters
        queue = try BatchQueue(store: store, threadCount: Int(copyThreadCount), owner: serial)
    }

    /// Says that no call is under way any more, after closing has begun.
    func becameIdle() {
        isIdle.withLock { $0 = true }
        idle.broadcast()
    }

    /// Waits until ``becameIdle()``.
    func waitUntilIdle() {
        while isIdle.withLock(waitingFor: idle, atMost: .seconds(3600), { $0 ? true : nil }) == nil {}
    }

    /// Ends the client; no call may be under way.
    func close() {
        queue.close()
        store.release(leases.withLock { $0.removeAll() })
        store.close()
    }

    /// Takes leases of values; gives them numbers.
    func acquire(_ keys: KeyTable) throws(CallError) -> [(value: AcquiredValue, number: UInt64)] {
        let room = leases.withLock { ClientLimits.leaseCountMax - $0.count }
        let values = try store.acquire(keys, countMax: max(0, room))
        return leases.withLock { leases in
            values.map { value in (value, value.lease.map { leases.add($0) } ?? 0) }
        }
    }

    /// Gives leases back; returns how many of the numbers were none.
    func release(_ numbers: [UInt64]) -> Int {
        let found = leases.withLock { leases in numbers.compactMap { leases.remove($0) } }
        store.release(found)
        return numbers.count - found.count
    }

    /// Leases held, and their bytes.
    var leased: (count: Int, byteCount: Int) { leases.withLock { ($0.count, $0.byteCount) } }
}
