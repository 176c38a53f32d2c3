internal import RepriseCore

/// What callers and the threads of a lookup directory share: what is to be noted, and what is to be asked.
final class DirectoryWork: Sendable {
    /// Keys whose holders somebody waits for.
    struct Lookup {
        let keys: [StorageKey]
        let until: ContinuousClock.Instant
        let completion: @Sendable ([[KeyHolder]]) -> Void

        /// Answers that nobody has any of them.
        func drop() { completion([[KeyHolder]](repeating: [], count: keys.count)) }
    }

    /// What the thread that writes does next.
    enum Change {
        /// Notes what this node has of some keys, and removes entries of dead holders.
        case sync(held: [StorageKey], lost: [StorageKey], dead: [(StorageKey, KeyHolder)])
        case heartbeat
        case end
    }

    struct State {
        /// Keys that this node has.
        var own: Set<StorageKey> = []
        /// Keys of which the directory does not know yet whether this node has them.
        var pending: Set<StorageKey> = []
        /// Keys that are being noted or removed.
        var sendingCount = 0
        var dead: [(StorageKey, KeyHolder)] = []
        var lookups = Fifo<Lookup>()
        var breaker: CircuitBreaker
        var statistics = DirectoryStatistics()
        var nextHeartbeat: ContinuousClock.Instant
        var nextRenewal: ContinuousClock.Instant
        var isClosing = false
    }

    let limits: DirectoryLimits
    let state: Lock<State>
    let changed = Condition()
    let asked = Condition()

    init(_ limits: DirectoryLimits) {
        self.limits = limits
        state = Lock(
            State(
                breaker: CircuitBreaker(
                    failureCountMax: limits.failureCountMax,
                    pauseMin: limits.pauseMin,
                    pauseMax: limits.pauseMax
                ),
                nextHeartbeat: .now,
                nextRenewal: .now + limits.entryLifetime / 2
            )
        )
    }

    /// Notes that this node has keys, or has them no more.
    func note(_ keys: [StorageKey], isHeld: Bool) {
        guard !keys.isEmpty else { return }
        state.withLock { state in
            for key in keys {
                let isNew = isHeld ? state.own.insert(key).inserted : state.own.remove(key) != nil
                if isNew { state.pending.insert(key) }
            }
        }
        changed.signal()
    }

    /// Notes that this node has no keys any more.
    func noteNothing() {
        state.withLock { state in
            state.pending.formUnion(state.own)
            state.own = []
        }
        changed.signal()
    }

    /// Puts a lookup in line, or answers it when it cannot be made.
    func submit(_ lookup: Lookup) {
        let isAccepted = state.withLock { state in
            guard !state.isClosing, !state.breaker.isOpen, state.lookups.count < limits.lookupCountMax
            else {
                state.statistics.skippedCount += UInt64(lookup.keys.count)
                return false
            }
            state.lookups.append(lookup)
            return true
        }
        guard isAccepted else { return lookup.drop() }
        asked.signal()
    }

    /// Waits for lookups, and takes as many as go together; `nil` when the directory is closed.
    func nextLookups() -> [Lookup]? {
        while true {
            let found: [Lookup]?? = state.withLock(waitingFor: asked, atMost: .seconds(60)) { state in
                if state.isClosing { return .some(nil) }
                guard let first = state.lookups.popFirst() else { return nil }
                var taken = [first]
                var keyCount = first.keys.count
                while keyCount < limits.batchKeyCountMax, let next = state.lookups.popFirst() {
                    taken.append(next)
                    keyCount += next.keys.count
                }
                return .some(taken)
            }
            if let found { return found }
        }
    }

    /// Waits for something to write.
    func nextChange() -> Change {
        while true {
            let wait = state.withLock { $0.waitingTime(.now) }
            let found: Change? = state.withLock(waitingFor: changed, atMost: wait) { $0.next(.now, limits) }
            if let found { return found }
        }
    }

    /// Says what came of a call.
    func note(_ error: RemoteError?) {
        let dropped = state.withLock { state -> [Lookup] in
            guard let error else {
                if state.breaker.succeeded() { state.statistics.isOut = false }
                return []
            }
            state.statistics.errorCount += 1
            state.statistics.lastError = error
            guard state.breaker.failed(at: .now) else { return [] }
            state.statistics.isOut = true
            return state.lookups.takeAll()
        }
        for lookup in dropped { lookup.drop() }
    }

    /// Ends the threads; lookups that wait find nobody.
    func beginClosing() {
        let dropped = state.withLock { state in
            state.isClosing = true
            return state.lookups.takeAll()
        }
        for lookup in dropped { lookup.drop() }
        changed.broadcast()
        asked.broadcast()
    }
}

extension DirectoryWork.State {
    fileprivate mutating func next(_ now: ContinuousClock.Instant, _ limits: DirectoryLimits)
        -> DirectoryWork.Change?
    {
        if isClosing { return .end }
        if breaker.isOpen { return breaker.takeProbe(at: now) ? .heartbeat : nil }
        if nextHeartbeat <= now {
            nextHeartbeat = now + limits.heartbeatLifetime / 3
            return .heartbeat
        }
        if nextRenewal <= now {
            nextRenewal = now + limits.entryLifetime / 2
            pending.formUnion(own)
        }
        guard !pending.isEmpty || !dead.isEmpty else { return nil }
        return take(limits.batchKeyCountMax)
    }

    /// Takes keys that are to be noted or removed.
    mutating func take(_ countMax: Int) -> DirectoryWork.Change {
        var (held, lost) = ([StorageKey](), [StorageKey]())
        while held.count + lost.count < countMax, let key = pending.popFirst() {
            if own.contains(key) { held.append(key) } else { lost.append(key) }
        }
        sendingCount = held.count + lost.count
        defer { dead = [] }
        return .sync(held: held, lost: lost, dead: dead)
    }

    fileprivate func waitingTime(_ now: ContinuousClock.Instant) -> Duration {
        let due = breaker.nextProbe ?? min(nextHeartbeat, nextRenewal)
        return max(.milliseconds(1), now.duration(to: due))
    }
}
