import RepriseCore

/// A slower backend that counts what it is asked, and lets loads wait for the test.
final class CountingBackend: StorageBackend {
    /// What it was asked.
    struct Calls: Equatable {
        var contains = 0
        var batchedContains = 0
        var presence = 0
        var gets = 0
        var batchedGets = 0
        /// Keys that loads were asked for, one by one or in batches.
        var askedKeys: [StorageKey] = []
    }

    let inner: LocalCPUBackend
    private let counted = Lock(Calls())
    private let isOpen = Lock(true)
    private let condition = Condition()
    private let refuses = Lock(false)
    private let failure = Lock<String?>(nil)

    init(byteCount: Int = 16 << 20) throws {
        inner = LocalCPUBackend(pool: try MemoryPool(MemoryPool.Configuration(byteCount: byteCount)))
    }

    /// What it was asked since the last time.
    func takeCalls() -> Calls {
        counted.withLock { calls in
            defer { calls = Calls() }
            return calls
        }
    }

    /// How many loads have begun since the last ``takeCalls()``.
    var loadCount: Int { counted.withLock { $0.gets + $0.batchedGets } }

    /// Lets loads wait from now on.
    func closeGate() { isOpen.withLock { $0 = false } }

    /// Lets them go on.
    func openGate() {
        isOpen.withLock { $0 = true }
        condition.broadcast()
    }

    /// Refuses puts from now on, or no longer.
    func refusePuts(_ refuses: Bool) { self.refuses.withLock { $0 = refuses } }

    /// Says from now on what is wrong with it, or that nothing is.
    func fail(_ reason: String?) { failure.withLock { $0 = reason } }

    var health: BackendHealth { failure.withLock { $0 }.map { .unhealthy($0) } ?? .healthy }

    private func count(_ change: (inout Calls) -> Void) { counted.withLock { change(&$0) } }

    private func passGate() {
        _ = isOpen.withLock(waitingFor: condition, atMost: .seconds(60)) { $0 ? true : nil }
    }

    var destinationDevice: Device { inner.destinationDevice }
    var keys: [StorageKey] { inner.keys }

    func contains(_ key: StorageKey, pinning: Bool) -> Bool {
        count { $0.contains += 1 }
        return inner.contains(key, pinning: pinning)
    }

    func presence(of keys: [StorageKey]) -> [Bool] {
        count { $0.presence += 1 }
        return inner.presence(of: keys)
    }

    func batchedContains(_ keys: [StorageKey], pinning: Bool) -> Int {
        count { $0.batchedContains += 1 }
        return inner.batchedContains(keys, pinning: pinning)
    }

    func getBlocking(_ key: StorageKey) -> MemoryObject? {
        count {
            $0.gets += 1
            $0.askedKeys.append(key)
        }
        passGate()
        return inner.getBlocking(key)
    }

    func batchedGetBlocking(_ keys: [StorageKey]) -> [MemoryObject] {
        count {
            $0.batchedGets += 1
            $0.askedKeys += keys
        }
        let objects = inner.batchedGetBlocking(keys)
        passGate()
        return objects
    }

    func submitPutTask(_ key: StorageKey, _ object: MemoryObject) -> PutTask? {
        refuses.withLock { $0 } ? nil : inner.submitPutTask(key, object)
    }

    func batchedSubmitPutTask(_ keys: [StorageKey], _ objects: [MemoryObject]) -> [PutTask?] {
        zip(keys, objects).map { submitPutTask($0, $1) }
    }

    func existsInPutTasks(_ key: StorageKey) -> Bool { false }
    func submitPrefetchTask(_ key: StorageKey) -> PrefetchTask? { nil }
    func remove(_ key: StorageKey) -> Bool { inner.remove(key) }
    func pin(_ key: StorageKey) -> Bool { inner.pin(key) }
    func unpin(_ key: StorageKey) -> Bool { inner.unpin(key) }
    func close() { inner.close() }
}
