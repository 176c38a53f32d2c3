internal import RepriseCore
internal import RepriseRemote
internal import RepriseWire
internal import Synchronization

/// One connection of a benchmark, with its own keys and buffers, and what it did in the phase under way.
// Sendable: the coordinating thread touches it before a phase's thread starts and after it is joined; in
// between only that thread does, except for `completedCount`, which is atomic.
internal final class BenchWorker: @unchecked Sendable {
    /// What one phase asks of a worker.
    struct Task: Sendable {
        let phase: BenchPhase
        let amount: BenchConfiguration.Amount
        let seed: UInt64
    }

    /// Operations finished in the phase under way; read while it runs, for progress.
    let completedCount = Atomic<Int>(0)
    private(set) var results: [OperationResult] = []
    private(set) var failure: RemoteError?
    private(set) var startNanoseconds: UInt64 = 0
    private(set) var endNanoseconds: UInt64 = 0

    private var connection: NodeConnection
    private var payload: StampedPayload
    private var received: TransferBuffer
    private let keys: [StorageKey]
    private let firstKeyNumber: Int
    private let valueByteCount: Int
    private let verifies: Bool

    /// Connects; `keyNumbers` are this worker's keys.
    init(_ configuration: BenchConfiguration, keyNumbers: Range<Int>) throws(RemoteError) {
        connection = try NodeConnection(
            connectingTo: configuration.url,
            dialect: configuration.dialect,
            timeouts: configuration.timeouts
        )
        valueByteCount = configuration.valueByteCount
        verifies = configuration.verifies
        payload = StampedPayload(byteCount: valueByteCount)
        received = TransferBuffer(byteCapacity: valueByteCount + NodeConnection.receiveMarginByteCount)
        received.populate()
        firstKeyNumber = keyNumbers.lowerBound
        // A key as LMCache's servers require it: model, world size, worker, chunk hash, element type.
        keys = keyNumbers.map { StorageKey("bench@1@0@\(String($0, radix: 16))@bfloat16") }
    }

    /// Runs one phase; the caller's thread waits at `barrier` first, so that connections overlap.
    func run(_ task: Task, after barrier: StartBarrier) {
        completedCount.store(0, ordering: .relaxed)
        results = task.phase.shares.map { OperationResult($0.operation) }
        barrier.wait()
        startNanoseconds = MonotonicTime.nanoseconds()
        do {
            try loop(task)
        } catch {
            failure = error
        }
        endNanoseconds = MonotonicTime.nanoseconds()
    }

    /// Stores every key once, unmeasured.
    func storeAll() throws(RemoteError) {
        for (index, key) in keys.enumerated() {
            stamp(index)
            _ = try payload.put(key, over: &connection)
        }
    }

    private func loop(_ task: Task) throws(RemoteError) {
        var generator = SplitMix64(seed: task.seed)
        let isMixed = task.phase.shares.count > 1
        var number = 0
        while continues(task.amount, number) {
            let random = isMixed ? generator.next() : 0
            let operation = task.phase.operation(for: random >> 32)
            let keyIndex = isMixed ? Int(random & 0xFFFF_FFFF) % keys.count : number % keys.count
            try perform(operation, keyIndex)
            number += 1
            completedCount.store(number, ordering: .relaxed)
        }
    }

    private func continues(_ amount: BenchConfiguration.Amount, _ number: Int) -> Bool {
        switch amount {
        case .operations(let count): number < count
        case .duration(let duration):
            MonotonicTime.nanoseconds() - startNanoseconds < UInt64(duration.nanosecondCount)
        }
    }

    private func perform(_ operation: BenchOperation, _ keyIndex: Int) throws(RemoteError) {
        let slot = results.firstIndex { $0.operation == operation }!
        let key = keys[keyIndex]
        var byteCount = 0
        var isFound = true
        if operation == .put { stamp(keyIndex) }
        let start = MonotonicTime.nanoseconds()
        switch operation {
        case .put:
            isFound = try payload.put(key, over: &connection)
            byteCount = valueByteCount
        case .get:
            let found = try connection.get(key, into: &received)
            isFound = found != nil
            byteCount = found ?? 0
        case .exist:
            isFound = try connection.exists(key)
        }
        results[slot].latencies.record(nanoseconds: MonotonicTime.nanoseconds() - start)
        results[slot].byteCount += byteCount
        results[slot].missCount += isFound ? 0 : 1
        guard verifies, operation == .get, isFound else { return }
        stamp(keyIndex)
        results[slot].wrongByteCount += payload.wrongByteCount(in: received.prefix(byteCount))
    }

    private func stamp(_ keyIndex: Int) { payload.stamp(UInt64(firstKeyNumber + keyIndex)) }
}
