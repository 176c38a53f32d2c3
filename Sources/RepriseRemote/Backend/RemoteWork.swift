internal import RepriseCore

/// What callers and connections of a remote backend share: what is to be asked, and what is to be changed.
final class RemoteWork: Sendable {
    /// A question to the store.
    enum Read {
        case exists([StorageKey], RemoteCall<[Bool]>)
        case get(StorageKey, @Sendable (MemoryObject?) -> Void)
        case list(RemoteCall<[StorageKey]>)
    }

    /// Something to do over a connection.
    enum Job {
        /// Asks, unless it is too late to.
        case read(Read, until: ContinuousClock.Instant)
        /// Fetches several values.
        case gets([(StorageKey, @Sendable (MemoryObject?) -> Void)])
        case change(StorageKey, RemoteBackend.Change)
        case probe
    }

    struct State {
        var reads = Fifo<(Read, until: ContinuousClock.Instant)>()
        var changes: RemoteBackend.ChangeQueue
        var breaker: CircuitBreaker
        var statistics = RemoteStatistics()
        /// When the connections end, whatever waits; `nil` while the backend is open.
        var closing: ContinuousClock.Instant?
    }

    let limits: RemoteLimits
    let state: Lock<State>
    let condition = Condition()

    init(_ limits: RemoteLimits) {
        self.limits = limits
        state = Lock(
            State(
                changes: RemoteBackend.ChangeQueue(limits),
                breaker: CircuitBreaker(
                    failureCountMax: limits.failureCountMax,
                    pauseMin: limits.pauseMin,
                    pauseMax: limits.pauseMax
                )
            )
        )
    }

    /// Changes the state, wakes a connection, and performs what came of it.
    func perform(_ body: (inout State) -> RemoteBackend.Effects) {
        let effects = state.withLock(body)
        condition.signal()
        effects.perform()
    }

    /// Puts a question in line; `false` when the store is gone or too many wait.
    func submit(_ read: Read) -> Bool {
        let isAccepted = state.withLock { state in
            guard state.closing == nil, !state.breaker.isOpen, state.reads.count < limits.readCountMax else {
                state.statistics.skippedCount += 1
                return false
            }
            state.reads.append((read, until: .now + limits.callTimeMax))
            return true
        }
        condition.signal()
        return isAccepted
    }

    /// Waits for something to do; `nil` when the connection is to end.
    func next() -> Job? {
        while true {
            let wait = state.withLock { $0.waitingTime(.now) }
            let found: Job?? = state.withLock(waitingFor: condition, atMost: wait) { $0.next(.now, limits) }
            if let found { return found }
        }
    }

    /// Says what came of a call.
    func note(_ error: RemoteError?) {
        let isProof = error.map { $0.code == .rejected && !$0.isOutage } ?? true
        perform { state in
            if let error {
                state.statistics.errorCount += 1
                state.statistics.lastError = error
            }
            if isProof || error?.code == .invalidArgument {
                if state.breaker.succeeded() { state.statistics.isOut = false }
                return RemoteBackend.Effects()
            }
            guard state.breaker.failed(at: .now) else { return RemoteBackend.Effects() }
            state.statistics.outageCount += 1
            state.statistics.isOut = true
            var effects = state.changes.storeIsGone()
            effects.dropped = state.takeReads()
            return effects
        }
        condition.broadcast()
    }
}

extension RemoteWork.State {
    /// What a connection does next: `.some(nil)` when it ends, `nil` when there is nothing yet.
    fileprivate mutating func next(_ now: ContinuousClock.Instant, _ limits: RemoteLimits) -> RemoteWork.Job??
    {
        if let closing {
            guard now < closing, !breaker.isOpen, let (key, change) = changes.next() else {
                return .some(nil)
            }
            return .change(key, change)
        }
        if breaker.isOpen { return breaker.takeProbe(at: now) ? .probe : nil }
        // Somebody waits for an answer; nobody for a change.
        if let (read, limit) = reads.popFirst() {
            return takeGets(behind: read, limit, now, limits) ?? .read(read, until: limit)
        }
        return changes.next().map { .change($0.key, $0.change) }
    }

    /// Takes this connection's share of the fetches that follow one; `nil` when there are none.
    private mutating func takeGets(
        behind read: RemoteWork.Read,
        _ limit: ContinuousClock.Instant,
        _ now: ContinuousClock.Instant,
        _ limits: RemoteLimits
    ) -> RemoteWork.Job? {
        let share = min(limits.pipelinedGetCountMax - 1, reads.count / limits.connectionCount)
        guard share > 0, limit > now, case .get(let key, let completion) = read else { return nil }
        var gets = [(key, completion)]
        while gets.count <= share, let next = reads.first, next.until > now,
            case .get(let key, let completion) = next.0
        {
            _ = reads.popFirst()
            gets.append((key, completion))
        }
        return gets.count > 1 ? .gets(gets) : nil
    }

    fileprivate func waitingTime(_ now: ContinuousClock.Instant) -> Duration {
        guard let due = breaker.nextProbe else { return .seconds(60) }
        return max(.milliseconds(1), now.duration(to: due))
    }

    /// Takes the questions that wait: nobody is to wait for a store that is gone.
    mutating func takeReads() -> [RemoteWork.Read] {
        statistics.skippedCount += UInt64(reads.count)
        return reads.takeAll().map { $0.0 }
    }
}

extension RemoteWork.Read {
    /// Answers that there is nothing.
    func drop() {
        switch self {
        case .exists(let keys, let call): _ = call.end([Bool](repeating: false, count: keys.count))
        case .get(_, let completion): completion(nil)
        case .list(let call): _ = call.end([])
        }
    }
}

extension RemoteError {
    /// Whether a server that answers this cannot be used for now.
    var isOutage: Bool {
        hasPrefix("LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH", "WRONGPASS", "NOMASTER")
    }
}
