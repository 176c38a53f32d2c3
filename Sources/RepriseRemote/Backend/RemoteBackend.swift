public import RepriseCore

/// Values in a store on another machine, behind a few connections with a thread each.
///
/// Nothing here waits longer than ``RemoteLimits/callTimeMax``; what takes longer is a miss. A store that
/// fails several times is given up: nobody asks it but a probe now and then, until it answers again. Puts are
/// done behind, from memory; a put for which too many bytes wait is refused.
///
/// **Never an old value.** Until a put or a removal is through, the key is what that says. A put that fails
/// leaves a removal behind it, also across an outage; keys for which that cannot be kept up are not asked for
/// any more. This holds for one process: others that write the same keys are not in its order.
///
/// Pins keep nothing from being evicted there; they count as found.
///
/// - Source: LMCache `lmcache/v1/storage_backend/remote_backend.py`.
public final class RemoteBackend: StorageBackend {
    /// Where values are wanted.
    public let destinationDevice: Device
    /// The limits that the backend was made with.
    public let limits: RemoteLimits
    /// Lends memory for what is fetched.
    public let memory: LocalCPUBackend
    private let work: RemoteWork
    private let threads = Lock<[Thread]>([])
    private let pins = Lock<[StorageKey: Int]>([:])

    /// Creates a backend; connections are made when they are needed.
    ///
    /// - Parameters:
    ///   - memory: Lends memory for what is fetched.
    ///   - makeConnector: Called once by each connection's thread.
    public init(
        memory: LocalCPUBackend,
        limits: RemoteLimits = RemoteLimits(),
        serde: any Serde = NaiveSerde(),
        _ makeConnector: @escaping @Sendable () -> any RemoteConnector
    ) {
        precondition(limits.connectionCount > 0, "a backend has connections")
        self.memory = memory
        self.limits = limits
        destinationDevice = memory.destinationDevice
        let work = RemoteWork(limits)
        self.work = work
        let started = (0..<limits.connectionCount).map { index in
            Thread(name: "reprise-remote\(index)") {
                RemoteWorker(work: work, memory: memory, serde: serde, connector: makeConnector()).run()
            }
        }
        threads.withLock { $0 = started }
    }

    /// Creates a backend for the store at a URL; connections are made when they are needed.
    ///
    /// - Parameter memory: Lends memory for what is fetched.
    public convenience init(
        memory: LocalCPUBackend,
        url: RemoteURL,
        limits: RemoteLimits = RemoteLimits(),
        serde: any Serde = NaiveSerde()
    ) {
        let timeouts = RemoteTimeouts(connect: limits.connectTimeMax, transfer: limits.callTimeMax)
        let ledger = AuditConnector.Ledger()
        self.init(memory: memory, limits: limits, serde: serde) {
            url.makeConnector(timeouts: timeouts, ledger: ledger)
        }
    }

    deinit { close() }

    /// What the backend has done.
    public var statistics: RemoteStatistics {
        work.state.withLock { state in
            var statistics = state.statistics
            statistics.queuedByteCount = state.changes.queuedByteCount
            statistics.queuedKeyCount = state.changes.keyCount
            statistics.forgottenKeyCount = state.changes.forgottenKeyCount
            return statistics
        }
    }

    /// Whether a key is stored; blocks until the store says so, or for as long as a call may take.
    public func contains(_ key: StorageKey, pinning: Bool) -> Bool {
        batchedContains([key], pinning: pinning) == 1
    }

    /// Whether a put of the key was accepted and has not ended.
    public func existsInPutTasks(_ key: StorageKey) -> Bool {
        work.state.withLock { $0.changes.isBeingPut(key) }
    }

    /// Puts an object behind; see ``StorageBackend/submitPutTask(_:_:)``.
    ///
    /// - Returns: `nil` when the object is refused: the store is gone, too many bytes wait, or the backend is
    ///   closed.
    @discardableResult
    public func submitPutTask(_ key: StorageKey, _ object: MemoryObject) -> PutTask? {
        guard object.isValid else { return nil }
        let task = PutTask()
        var isAccepted = false
        work.perform { state in
            guard state.closing == nil, !state.breaker.isOpen, state.changes.hasRoom(for: object.byteCount)
            else {
                state.statistics.refusedPutCount += 1
                return Effects()
            }
            isAccepted = true
            object.retain()
            return state.changes.put(key, object, task)
        }
        return isAccepted ? task : nil
    }

    /// Starts fetching a value; `nil` when the store is known not to have it, or is gone.
    public func submitPrefetchTask(_ key: StorageKey) -> PrefetchTask? {
        let task = PrefetchTask()
        return begin(key) { task.end($0) } ? task : nil
    }

    /// Fetches a value.
    ///
    /// - Parameter completion: Called once, from a connection's thread or the caller's own, with the object
    ///   and a reference for the callee; `nil` when it cannot be had.
    package func fetch(_ key: StorageKey, completion: @escaping @Sendable (MemoryObject?) -> Void) {
        if !begin(key, completion) { completion(nil) }
    }

    /// Begins to fetch a value; `false` when that cannot succeed, and the completion is not called then.
    private func begin(_ key: StorageKey, _ completion: @escaping @Sendable (MemoryObject?) -> Void) -> Bool {
        switch work.state.withLock({ $0.changes.view(of: key) }) {
        case .value(let object): completion(object)
        case .absent: return false
        case .unknown: return work.submit(.get(key, completion))
        }
        return true
    }

    /// Fetches a value; blocks until it is there, or for as long as a call may take.
    ///
    /// - Precondition: not called inside a Swift task; this traps there.
    public func getBlocking(_ key: StorageKey) -> MemoryObject? { fetch([key]).first ?? nil }

    /// Fetches values up to the first that cannot be there, over all connections.
    private func fetch(_ keys: [StorageKey]) -> [MemoryObject?] {
        var calls: [RemoteCall<MemoryObject?>] = []
        for key in keys {
            let call = RemoteCall<MemoryObject?>()
            let isBegun = begin(key) { object in
                if !call.end(object) { object?.release() }
            }
            guard isBegun else { break }
            calls.append(call)
        }
        let deadline = ContinuousClock.now + limits.callTimeMax
        return calls.map { call in
            let answer = call.wait(atMost: ContinuousClock.now.duration(to: deadline))
            if answer == nil { countTimeout() }
            return answer ?? nil
        }
    }

    private func countTimeout() { work.state.withLock { $0.statistics.timeoutCount += 1 } }

    /// Removes a key; blocks until the store has confirmed it, or has failed to.
    ///
    /// Removals that somebody waits for go before puts: they wait for the calls under way, and those before
    /// them.
    ///
    /// - Precondition: not called inside a Swift task; this traps there.
    @discardableResult
    public func remove(_ key: StorageKey) -> Bool { submitRemoveTask(key).wait() }

    /// Removes a key: it is not found here any more. The task ends when the store has confirmed it, or with
    /// `false` when it has not; it is tried again until it has.
    @discardableResult
    public func submitRemoveTask(_ key: StorageKey) -> BackendTask<Bool> {
        let task = BackendTask<Bool>()
        pins.withLock { _ = $0.removeValue(forKey: key) }
        work.perform { state in
            let isHopeless = state.closing != nil || state.breaker.isOpen
            var effects = state.changes.remove(key, isHopeless ? nil : task)
            if isHopeless { effects.ended.append((task, false)) }
            return effects
        }
        return task
    }

    /// Counts a pin of a key that is stored; the store evicts what it wants.
    public func pin(_ key: StorageKey) -> Bool { contains(key, pinning: true) }

    /// Gives a pin back; `false` when the key is not pinned.
    @discardableResult
    public func unpin(_ key: StorageKey) -> Bool {
        pins.withLock { pins in
            guard let count = pins[key] else { return false }
            pins[key] = count == 1 ? nil : count - 1
            return true
        }
    }

    /// The length of the longest stored prefix of `keys`, asked for in one go.
    public func batchedContains(_ keys: [StorageKey], pinning: Bool) -> Int {
        var isThere = work.state.withLock { state in keys.map { state.changes.isThere($0) } }
        // Nothing behind the first key that is not there counts.
        let count = isThere.firstIndex(of: false) ?? keys.count
        let unknown = (0..<count).filter { isThere[$0] == nil }
        let answers = ask(unknown.map { keys[$0] })
        for (index, answer) in zip(unknown, answers) { isThere[index] = answer }
        let found = isThere.firstIndex { $0 != true } ?? keys.count
        if pinning {
            pins.withLock { pins in for key in keys.prefix(found) { pins[key, default: 0] += 1 } }
        }
        return found
    }

    /// Which of `keys` are stored, asked for in one go.
    public func presence(of keys: [StorageKey]) -> [Bool] {
        var isThere = work.state.withLock { state in keys.map { state.changes.isThere($0) } }
        let unknown = keys.indices.filter { isThere[$0] == nil }
        for (index, answer) in zip(unknown, ask(unknown.map { keys[$0] })) { isThere[index] = answer }
        return isThere.map { $0 ?? false }
    }

    private func ask(_ keys: [StorageKey]) -> [Bool] {
        guard !keys.isEmpty else { return [] }
        let call = RemoteCall<[Bool]>()
        guard work.submit(.exists(keys, call)) else { return [] }
        if let answers = call.wait(atMost: limits.callTimeMax) { return answers }
        countTimeout()
        return []
    }

    /// Fetches the values of the longest stored prefix, over all connections at the same time.
    ///
    /// - Precondition: not called inside a Swift task; this traps there.
    public func batchedGetBlocking(_ keys: [StorageKey]) -> [MemoryObject] {
        let found = fetch(keys)
        let prefix = found.prefix { $0 != nil }.compactMap { $0 }
        for object in found.dropFirst(prefix.count).compactMap({ $0 }) { object.release() }
        return prefix
    }

    /// Puts objects behind, from tail to head.
    @discardableResult
    public func batchedSubmitPutTask(_ keys: [StorageKey], _ objects: [MemoryObject]) -> [PutTask?] {
        precondition(keys.count == objects.count, "as many keys as objects")
        let tasks = keys.indices.reversed().map { submitPutTask(keys[$0], objects[$0]) }
        return tasks.reversed()
    }

    /// All keys of the store, in no order; none when it is gone, or cannot say.
    public var keys: [StorageKey] {
        let call = RemoteCall<[StorageKey]>()
        guard work.submit(.list(call)), let listed = call.wait(atMost: limits.callTimeMax) else { return [] }
        return work.state.withLock { state in
            listed.filter { state.changes.isThere($0) != false }
        }
    }

    /// Waits a while for puts that are queued, and ends the connections; calling it again does nothing.
    public func close() {
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        guard !running.isEmpty else { return }
        work.perform { state in
            state.closing = .now + limits.closeTimeMax
            return Effects(dropped: state.takeReads())
        }
        work.condition.broadcast()
        for thread in running { thread.join() }
        work.perform { $0.changes.storeIsGone() }
    }
}
