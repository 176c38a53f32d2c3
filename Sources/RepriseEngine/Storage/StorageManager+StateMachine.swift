internal import RepriseCore

extension StorageManager {
    /// What came of a load.
    enum FlightOutcome: Sendable {
        /// The backends were asked; a reference for each waiter.
        case ended(MemoryObject?)
        /// They were not: the load was one of many, of which an earlier one has found nothing.
        case abandoned
    }

    /// A load of one key from a slower backend, which serves everybody who wants it meanwhile.
    // Sendable: mutable properties are touched under the stripe's lock only.
    final class Flight: @unchecked Sendable {
        let task = BackendTask<FlightOutcome>()
        fileprivate(set) var waiterCount = 0
        /// Whether the key was put or removed since: what is loaded must not be promoted.
        fileprivate(set) var isOutdated: Bool

        fileprivate init(isOutdated: Bool) { self.isOutdated = isOutdated }
    }

    /// Which loads and removals of keys are under way; decides, and does nothing itself.
    ///
    /// A value that was loaded takes effect in faster backends only if its key has been neither put nor
    /// removed since the load began, and is not being removed: so no older value comes back to the surface.
    struct StateMachine {
        /// What a caller that wants a key does.
        enum GetAction {
            /// Waits for a load that is under way.
            case wait(Flight)
            /// Loads the key, and says so with ``StateMachine/loadEnded(_:_:)``.
            case load(Flight)
        }

        /// What a caller whose load has ended does, in one step with the question.
        struct LoadedAction: Equatable {
            /// References to take for those who wait.
            var waiterCount: Int
            /// Whether the value goes to the faster backends.
            var promotes: Bool
        }

        private var flights: [StorageKey: Flight] = [:]
        /// How many removals of a key are under way.
        private var removals: [StorageKey: Int] = [:]

        /// Whether nothing is under way.
        var isIdle: Bool { flights.isEmpty && removals.isEmpty }

        /// Somebody wants a key that memory does not have.
        mutating func get(_ key: StorageKey) -> GetAction {
            if let flight = flights[key] {
                flight.waiterCount += 1
                return .wait(flight)
            }
            let flight = Flight(isOutdated: removals[key] != nil)
            flights[key] = flight
            return .load(flight)
        }

        /// A load has ended.
        mutating func loadEnded(_ key: StorageKey, _ flight: Flight) -> LoadedAction {
            // Another one may have begun since, if this one is outdated.
            if flights[key] === flight { flights[key] = nil }
            return LoadedAction(waiterCount: flight.waiterCount, promotes: !flight.isOutdated)
        }

        /// A key is put: whoever asks from now on does not get what is being loaded.
        mutating func put(_ key: StorageKey) { outdate(key) }

        /// A key begins to be removed.
        mutating func removalBegan(_ key: StorageKey) {
            outdate(key)
            removals[key, default: 0] += 1
        }

        /// A key is removed everywhere.
        mutating func removalEnded(_ key: StorageKey) {
            guard let count = removals[key] else { preconditionFailure("a removal that has not begun") }
            removals[key] = count == 1 ? nil : count - 1
            // A load that has begun meanwhile may have found it.
            outdate(key)
        }

        private mutating func outdate(_ key: StorageKey) {
            flights.removeValue(forKey: key)?.isOutdated = true
        }
    }
}
