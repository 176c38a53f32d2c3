public import RepriseCore

extension StorageManager {
    /// What a caller that wants a key does.
    enum Claim {
        /// Memory has it; the object has a reference for the caller.
        case found(MemoryObject)
        /// Waits for a load that is under way.
        case wait(Flight)
        /// Loads it, and says so with ``end(_:_:_:foundAt:)`` or ``abandon(_:_:)``.
        case load(Flight)
    }

    /// The value of a key, with a reference for the caller, or `nil`.
    public func get(_ key: StorageKey) -> MemoryObject? {
        while true {
            if let object = memory.getBlocking(key) {
                report(key, foundAt: 0)
                return object
            }
            guard !slower.isEmpty else {
                report(key, foundAt: nil)
                return nil
            }
            switch claim(key) {
            case .found(let object):
                report(key, foundAt: 0)
                return object
            case .load(let flight): return load(key, flight)
            case .wait(let flight):
                if case .ended(let object) = flight.task.wait() { return object }
            }
        }
    }

    /// What memory has of a key now, or who loads it.
    func claim(_ key: StorageKey) -> Claim {
        stripe(of: key).withLock { state in
            // It may have been put since; a load would then look for it where it has not arrived yet.
            if let object = memory.getBlocking(key) { return .found(object) }
            switch state.get(key) {
            case .wait(let flight): return .wait(flight)
            case .load(let flight): return .load(flight)
            }
        }
    }

    private func load(_ key: StorageKey, _ flight: Flight) -> MemoryObject? {
        for (place, tier) in tiers.enumerated().dropFirst() {
            guard let object = tier.backend.getBlocking(key) else { continue }
            let taken = end(key, flight, object, foundAt: place)
            report(key, foundAt: place, promotedTo: taken)
            return object
        }
        end(key, flight, nil, foundAt: 0)
        report(key, foundAt: nil)
        return nil
    }

    /// Ends a load: promotes what was found, and gives it to those who wait.
    ///
    /// - Parameter place: The position of the backend that had it; those before it are faster.
    /// - Returns: Which of the faster ones took it; `nil` when it was not promoted.
    @discardableResult
    func end(_ key: StorageKey, _ flight: Flight, _ object: MemoryObject?, foundAt place: Int) -> TierSet? {
        let taken = stripe(of: key).withLock { state -> TierSet? in
            let action = state.loadEnded(key, flight)
            guard let object else { return nil }
            for _ in 0..<action.waiterCount { object.retain() }
            return action.promotes ? offer(object, key, to: 0..<place) : nil
        }
        flight.task.end(.ended(object))
        return taken
    }

    /// Ends a load that was not tried; those who wait see for themselves.
    func abandon(_ key: StorageKey, _ flight: Flight) {
        stripe(of: key).withLock { _ = $0.loadEnded(key, flight) }
        flight.task.end(.abandoned)
    }
}
