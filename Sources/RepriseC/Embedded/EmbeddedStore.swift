internal import RepriseCore
internal import RepriseDisk
internal import RepriseNode
internal import RepriseWire

// SAFETY, whole file: bytes are reached through objects that the caller's, or a lease's, reference keeps.

/// A node within this process.
final class EmbeddedStore: Store {
    /// How long a call waits for room, or for a disk; as long as a node does for its clients.
    static let waitingTimeMax = Duration.seconds(10)
    /// Leases and kept lookups may hold this part of the memory: one over this. One value alone may pass it.
    static let heldFractionDivisor = 4
    /// Values of one get that are held at a time take at most this part of the memory: one over this.
    static let windowFractionDivisor = 8

    let node: Node
    let counters: CopyCounters
    let held: Lock<HeldObjects>

    /// Makes the node.
    ///
    /// - Throws: `invalidArgument`, `system`.
    init(memoryByteCount: Int, disk: DiskConfiguration?, counters: CopyCounters) throws(CallError) {
        var configuration = NodeConfiguration(memoryByteCount: memoryByteCount)
        if let disk { configuration.disks = [disk] }
        do throws(StorageError) {
            node = try Node(configuration)
        } catch {
            throw CallError(error.code == .system ? .system : .invalidArgument, error.message)
        }
        self.counters = counters
        held = Lock(HeldObjects(byteCountMax: node.server.capacityByteCount / Self.heldFractionDivisor))
    }

    func set(_ keys: KeyTable, _ values: ValueTable) throws(CallError) -> [Int64] {
        var results = [Int64](repeating: 0, count: keys.count)
        var changes: [RecordedChange] = []
        let deadline = ContinuousClock.now + Self.waitingTimeMax
        for index in (0..<keys.count).reversed() {
            let key = keys.storageKey(at: index)
            let byteCount = values.byteCount(at: index)
            guard let reservation = reserve(key, byteCount: byteCount, until: deadline) else {
                results[index] = Status.noRoom.result
                continue
            }
            // SAFETY: nobody else knows the object yet, and it has as many bytes as the value.
            if let place = unsafe reservation.object.mutableBytes.baseAddress {
                unsafe values.gather(index, into: place)
            }
            let (isStored, change) = reservation.commitRecording(key)
            if let change { changes.append(change) }
            if isStored { counters.addStored(byteCount) } else { results[index] = Status.noRoom.result }
        }
        try waitUntilRecorded(changes)
        return results
    }

    func exists(_ keys: KeyTable) throws(CallError) -> [Int64] {
        var results = [Int64](repeating: 0, count: keys.count)
        for index in (0..<keys.count).reversed() where node.server.contains(keys.storageKey(at: index)) {
            results[index] = 1
        }
        return results
    }

    func remove(_ keys: KeyTable) throws(CallError) -> [Int64] {
        var changes: [RecordedChange] = []
        let results = (0..<keys.count).map { index -> Int64 in
            let (wasStored, change) = node.server.remove(keys.storageKey(at: index))
            if let change { changes.append(change) }
            return wasStored ? 1 : 0
        }
        try waitUntilRecorded(changes)
        return results
    }

    func facts() throws(CallError) -> StoreFacts {
        let statistics = node.server.statistics
        var facts = StoreFacts()
        facts.isConnected = true
        facts.isWritable = true
        facts.capacityByteCount = UInt64(statistics.capacityByteCount)
        facts.usedByteCount = UInt64(statistics.usedByteCount)
        facts.entryCount = UInt64(node.server.entryCount)
        return facts
    }

    func close() {
        for object in held.withLock({ $0.takeAllKept() }) { object.release() }
        node.close()
    }

    /// Takes room for a value, and waits for others' reservations to end if it must.
    private func reserve(
        _ key: StorageKey,
        byteCount: Int,
        until deadline: ContinuousClock.Instant
    ) -> Reservation? {
        while true {
            let returned = Countdown(1)
            let outcome = node.server.reserve(
                for: key,
                byteCount: byteCount,
                metadata: .plain(byteCount: byteCount),
                whenRoomReturns: { returned.countDown() }
            )
            switch consume outcome {
            case .reserved(let reservation): return reservation
            case .deferred:
                guard returned.wait(atMost: deadline - .now) else { return nil }
            case .noRoom: return nil
            case .tooLarge: return nil
            }
        }
    }

    private func waitUntilRecorded(_ changes: [RecordedChange]) throws(CallError) {
        guard !changes.isEmpty else { return }
        let recorded = Countdown(changes.count)
        for change in changes { change.whenRecorded { recorded.countDown() } }
        guard recorded.wait(atMost: Self.waitingTimeMax) else {
            throw CallError(
                .timeout,
                "the disk did not record in time that older values are replaced or removed"
            )
        }
    }
}

/// Lets a thread wait until something has been said so many times.
final class Countdown: Sendable {
    private let count: Lock<Int>
    private let reachedZero = Condition()

    init(_ count: Int) { self.count = Lock(count) }

    func countDown() {
        let isZero = count.withLock { count in
            count -= 1
            return count <= 0
        }
        if isZero { reachedZero.broadcast() }
    }

    /// Waits; `false` when the time is over.
    func wait(atMost limit: Duration) -> Bool {
        count.withLock(waitingFor: reachedZero, atMost: limit) { $0 <= 0 ? true : nil } ?? false
    }
}
