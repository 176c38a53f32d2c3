/// Room for one value that is being received: filled in place, then committed, or given back.
///
/// Nothing can see the value before ``commit(_:)``, and an older value of the key is untouched until then.
/// Letting go of a reservation gives its room back.
public struct Reservation: ~Copyable, Sendable {
    private let store: EntryStore
    private let unitCount: UInt32
    /// The object to fill.
    public let object: MemoryObject
    private var isCommitted = false

    init(store: EntryStore, object: MemoryObject, unitCount: UInt32) {
        self.store = store
        self.object = object
        self.unitCount = unitCount
    }

    /// Publishes the value under a key, in place of an older one.
    ///
    /// - Returns: `false` when the backend was closed or has no memory for the entry; the room is given back.
    /// - Complexity: O(key); takes the backend's lock once.
    public consuming func commit(_ key: StorageKey) -> Bool {
        commitRecording(key).isStored
    }

    /// Publishes the value, and says what is to be recorded elsewhere before that is acknowledged.
    ///
    /// - Complexity: O(key); takes the backend's lock once.
    public consuming func commitRecording(_ key: StorageKey) -> (isStored: Bool, change: RecordedChange?) {
        let (isStored, change) = store.commit(
            key,
            object,
            takesReference: true,
            endingReservationOf: unitCount
        )
        isCommitted = isStored
        return (isStored, change)
    }

    /// Hands the parts over; whoever takes them commits the object or gives its room back.
    consuming func takeApart() -> (store: EntryStore, object: MemoryObject, unitCount: UInt32) {
        isCommitted = true
        return (store, object, unitCount)
    }

    deinit {
        guard !isCommitted else { return }
        // First the memory, then the sum: whoever is woken by the sum finds the memory free.
        object.release()
        store.reservationEnded(unitCount: unitCount)
    }
}

/// What became of a request for room.
public enum ReserveOutcome: ~Copyable, Sendable {
    /// Room for the value.
    case reserved(Reservation)
    /// Too much is reserved and not committed; the callback will say when to try again.
    case deferred
    /// Everything that could make room is in use or pinned; nothing was evicted.
    case noRoom
    /// The value is larger than the pool or the limit on values; nothing was evicted.
    case tooLarge
}

extension EntryStore {
    /// Takes room for a value, evicting what is needed.
    ///
    /// - Parameter whenRoomReturns: Called once, from the thread that gives room back, after `deferred` was
    ///   returned.
    func reserve(
        for key: StorageKey?,
        byteCount: Int,
        metadata: MemoryObjectMetadata,
        whenRoomReturns: @escaping @Sendable () -> Void
    ) -> ReserveOutcome {
        guard byteCount <= limits.valueByteCountMax,
            let unitCount = AllocationUnit.count(forByteCount: byteCount), unitCount <= pool.capacityUnitCount
        else { return .tooLarge }
        var removed = RemovedEntries()
        while true {
            let result = lock.withLock { state in
                if let key { state.index.prefetch(tag: KeyIndex.tag(of: key.fingerprint)) }
                guard state.mayReserve(unitCount, unitCountMax: reservedUnitCountMax) else {
                    state.roomWaiters.append(whenRoomReturns)
                    return Result<EntryStore.State.TakenBlock, Shortage>.failure(.tooMuchReserved)
                }
                let result = state.takeBlock(unitCount: unitCount, pool: pool, removed: &removed)
                if case .success = result { state.reservedUnitCount += unitCount }
                return result
            }
            switch result {
            case .success(let taken):
                // Eviction may have offered what goes next.
                // SAFETY: set once, before the store is shared.
                unsafe slower?.start()
                let object = MemoryObject(block: makeBlock(taken, byteCount: byteCount), metadata: metadata)
                return .reserved(Reservation(store: self, object: object, unitCount: unitCount))
            case .failure(.notPopulated): pool.populateMore()
            case .failure(.tooMuchReserved): return .deferred
            case .failure(.noRoom): return .noRoom
            }
        }
    }

    /// Takes a reservation out of the sum and wakes those who wait for that.
    func reservationEnded(unitCount: UInt32) {
        var waiters: [@Sendable () -> Void] = []
        lock.withLock { $0.endReservation(unitCount: unitCount, waking: &waiters) }
        for wake in waiters { wake() }
    }

    /// Whether somebody waits for reservations to end.
    var isReservationAwaited: Bool { lock.withLock { !$0.roomWaiters.isEmpty } }

    private var reservedUnitCountMax: UInt32 {
        max(1, pool.capacityUnitCount / UInt32(limits.reservedFractionDivisor))
    }
}

extension EntryStore.State {
    /// Whether a reservation of so many units may be added to those that are open.
    fileprivate func mayReserve(_ unitCount: UInt32, unitCountMax: UInt32) -> Bool {
        // One reservation alone may pass the limit, or a value above it could never be stored.
        reservedUnitCount == 0 || unitCount <= unitCountMax - min(unitCountMax, reservedUnitCount)
    }

    /// Takes a reservation out of the sum, and adds those who wait for that.
    mutating func endReservation(unitCount: UInt32, waking waiters: inout [@Sendable () -> Void]) {
        reservedUnitCount -= unitCount
        guard !roomWaiters.isEmpty else { return }
        waiters += roomWaiters
        roomWaiters = []
    }
}
