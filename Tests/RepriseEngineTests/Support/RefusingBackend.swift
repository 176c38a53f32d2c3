import RepriseCore

/// A backend that refuses the next put when it is told to, and calls a test before it removes anything.
final class RefusingBackend: StorageBackend {
    private let inner: LocalCPUBackend
    private let refusalCount = Lock(0)
    private let beforeRemoval = Lock<@Sendable () -> Void>({})

    init(byteCount: Int = 4 << 20) throws {
        inner = LocalCPUBackend(pool: try MemoryPool(MemoryPool.Configuration(byteCount: byteCount)))
    }

    /// Refuses the next put, and calls a function before the next removal.
    func refuseOnce(beforeRemoval body: @escaping @Sendable () -> Void) {
        refusalCount.withLock { $0 = 1 }
        beforeRemoval.withLock { $0 = body }
    }

    var destinationDevice: Device { inner.destinationDevice }
    var keys: [StorageKey] { inner.keys }

    func submitPutTask(_ key: StorageKey, _ object: MemoryObject) -> PutTask? {
        let isRefused = refusalCount.withLock { count in
            defer { count = 0 }
            return count > 0
        }
        return isRefused ? nil : inner.submitPutTask(key, object)
    }

    func submitRemoveTask(_ key: StorageKey) -> BackendTask<Bool> {
        let body = beforeRemoval.withLock { body in
            defer { body = {} }
            return body
        }
        body()
        return BackendTask(ended: inner.remove(key))
    }

    func contains(_ key: StorageKey, pinning: Bool) -> Bool { inner.contains(key, pinning: pinning) }
    func existsInPutTasks(_ key: StorageKey) -> Bool { false }
    func submitPrefetchTask(_ key: StorageKey) -> PrefetchTask? { nil }
    func getBlocking(_ key: StorageKey) -> MemoryObject? { inner.getBlocking(key) }
    func remove(_ key: StorageKey) -> Bool { submitRemoveTask(key).wait() }
    func pin(_ key: StorageKey) -> Bool { inner.pin(key) }
    func unpin(_ key: StorageKey) -> Bool { inner.unpin(key) }
    func batchedContains(_ keys: [StorageKey], pinning: Bool) -> Int {
        inner.batchedContains(keys, pinning: pinning)
    }
    func batchedGetBlocking(_ keys: [StorageKey]) -> [MemoryObject] { inner.batchedGetBlocking(keys) }
    func batchedSubmitPutTask(_ keys: [StorageKey], _ objects: [MemoryObject]) -> [PutTask?] {
        zip(keys, objects).map { submitPutTask($0, $1) }
    }
    func close() { inner.close() }
}
