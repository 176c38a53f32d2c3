package import RepriseCore
internal import RepriseRemote

// SAFETY, whole file: references to keys are not kept beyond the closures that they are given to.

extension TierStack {
    /// Brings a key's value into memory: from a disk, from a peer, or from the remote store.
    package func load(_ key: StorageKey, completion: @escaping @Sendable (MemoryObject?) -> Void) {
        guard let disk, disk.isStored(key) else { return loadFromElsewhere(key, completion) }
        disk.load(key) { [weak self] object in
            guard object == nil, let self else { return completion(object) }
            loadFromElsewhere(key, completion)
        }
    }

    private func loadFromElsewhere(
        _ key: StorageKey,
        _ completion: @escaping @Sendable (MemoryObject?) -> Void
    ) {
        guard peers != nil || remote != nil else { return completion(nil) }
        let flight = state.withLock { state -> Flight? in
            guard !state.isClosed else { return Flight() }
            if let flight = state.flights[key] {
                flight.waiters.append(completion)
                return nil
            }
            let flight = Flight()
            flight.waiters.append(completion)
            state.flights[key] = flight
            return flight
        }
        guard let flight else { return }
        guard !flight.waiters.isEmpty else { return completion(nil) }
        askPeers(key) { [weak self] object in
            guard let self else {
                object?.release()
                return flight.finish(with: nil)
            }
            arrived(object, for: key, flight)
        }
    }

    private func askPeers(_ key: StorageKey, _ completion: @escaping @Sendable (MemoryObject?) -> Void) {
        guard let peers else { return askRemote(key, completion) }
        peers.fetch(key) { [weak self] object in
            guard object == nil, let self else { return completion(object) }
            askRemote(key, completion)
        }
    }

    private func askRemote(_ key: StorageKey, _ completion: @escaping @Sendable (MemoryObject?) -> Void) {
        guard let remote else { return completion(nil) }
        remote.fetch(key, completion: completion)
    }

    /// Stores what has come, unless the key has been put or removed since, and serves those who wait.
    private func arrived(_ object: MemoryObject?, for key: StorageKey, _ flight: Flight) {
        let isCurrent = state.withLock { state in
            guard let object, state.flights[key] === flight else { return false }
            flight.object = object
            state.arrivedCount += 1
            return true
        }
        var isPromoted = false
        if isCurrent, let object {
            isPromoted =
                memory.withLock({ $0 })?.promote(object, for: key) {
                    state.withLock { $0.flights[key] === flight }
                } ?? false
        }
        let isStillCurrent = state.withLock { state in
            guard state.flights[key] === flight else { return false }
            state.outdate(key)
            return true
        }
        if isPromoted {
            state.withLock { $0.effects.append(.arrived(key)) }
            drain()
        }
        flight.finish(with: isStillCurrent ? object : nil)
        object?.release()
    }
}

extension TierStack.Flight {
    /// Serves those who wait; each gets a reference of its own. Nobody joins any more.
    func finish(with object: MemoryObject?) {
        for waiter in waiters {
            object?.retain()
            waiter(object)
        }
        waiters = []
    }
}
