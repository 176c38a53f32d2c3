import RepriseCore

/// One backend under one check, and what was found wrong with it.
final class ConformanceRun: Sendable {
    let backend: any StorageBackend
    let conformance: BackendConformance
    private let found = Lock<[String]>([])

    init(backend: any StorageBackend, conformance: BackendConformance) {
        self.backend = backend
        self.conformance = conformance
    }

    var violations: [String] { found.withLock { $0 } }

    /// Notes a violation unless `condition` holds.
    func expect(_ condition: Bool, _ violation: @autoclosure () -> String) {
        guard !condition else { return }
        let text = violation()
        found.withLock { if $0.count < 20 { $0.append(text) } }
    }

    /// Makes an object with a key's bytes of one version; the caller releases it.
    func make(_ key: StorageKey, version: Int = 0, byteCount: Int = 4_096) -> MemoryObject? {
        guard let object = conformance.makeObject(backend, byteCount) else { return nil }
        object.copy(from: ConformancePattern.bytes(key: key, version: version, count: byteCount).rawSpan)
        return object
    }

    /// Stores a version of a key and waits; `false` when it was not stored.
    @discardableResult
    func put(_ key: StorageKey, version: Int = 0, byteCount: Int = 4_096) -> Bool {
        guard let object = make(key, version: version, byteCount: byteCount) else { return false }
        defer { object.release() }
        return backend.submitPutTask(key, object)?.wait() ?? false
    }

    /// The version that is stored under a key, `nil` for a miss; wrong bytes are a violation.
    func version(of key: StorageKey) -> Int? {
        guard let object = backend.getBlocking(key) else { return nil }
        defer { object.release() }
        let version = ConformancePattern.version(of: object, key: key)
        expect(version != nil, "\(key) has bytes of another key, or of two versions")
        return version
    }

    func perform(_ check: BackendConformance.Check) {
        switch check {
        case .missesAreNil: missesAreNil()
        case .readsItsWrites: readsItsWrites()
        case .lastPutWins: lastPutWins()
        case .removes: removes()
        case .pins: pins()
        case .batchesWorkOnPrefixes: batchesWorkOnPrefixes()
        case .ordersKeysByUse: ordersKeysByUse()
        case .touchesBatchesFromTheTail: touchesBatchesFromTheTail()
        case .closes: closes()
        case .endsPutTasks: endsPutTasks()
        case .countsReferences: countsReferences()
        case .storesOneObjectUnderTwoKeys: storesOneObjectUnderTwoKeys()
        case .keepsEveryLength: keepsEveryLength()
        case .survivesThreadsOnOneKey: survivesThreads(keyCount: 1)
        case .survivesThreadsOnManyKeys: survivesThreads(keyCount: 40)
        }
    }
}
