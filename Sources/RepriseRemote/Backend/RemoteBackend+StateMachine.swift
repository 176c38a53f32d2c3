internal import RepriseCore

extension RemoteBackend {
    /// What is to become of a key at the store.
    enum Change {
        /// It gets a value; the tasks end with whether it did.
        case put(MemoryObject, [PutTask])
        /// It is removed; the tasks end with whether it was stored.
        case removal([BackendTask<Bool>], wasQueued: Bool)
    }

    /// What came of a change.
    enum ChangeOutcome {
        /// The store has confirmed it; a removal says whether the key was stored.
        case done(wasStored: Bool)
        /// The store has answered that it does not.
        case rejected
        /// The store has not answered.
        ///
        /// - Parameter isUncertain: Whether it may still do what it was sent, at any later time.
        case failed(isUncertain: Bool)
    }

    /// What a key's value is, before the store is asked.
    enum LocalView {
        /// What is on its way there, with a reference for the caller.
        case value(MemoryObject)
        /// None: it is being removed, or must not be asked for.
        case absent
        /// The store knows.
        case unknown
    }

    /// What is to be done outside the lock.
    struct Effects {
        var ended: [(task: BackendTask<Bool>, value: Bool)] = []
        var released: [MemoryObject] = []
        /// Questions that nobody is going to ask.
        var dropped: [RemoteWork.Read] = []

        func perform() {
            for object in released { object.release() }
            for (task, value) in ended { task.end(value) }
            for read in dropped { read.drop() }
        }
    }

    /// The changes that are on their way to the store; decides, and does nothing itself.
    ///
    /// A key has one change under way at most, and one behind it: the last one that was asked for. Until both
    /// are through, the key is what the last one says. A put that failed leaves a removal behind, so that no
    /// older value is found; a key whose put may still be done is not asked for any more.
    struct ChangeQueue {
        private struct KeyState {
            var running: Change?
            var waiting: Change?

            var isRunning: Bool { running != nil }
        }

        private let limits: RemoteLimits
        private var keys: [StorageKey: KeyState] = [:]
        /// Keys whose removal somebody waits for; before ``order``.
        private var urgent = Fifo<StorageKey>()
        private var order = Fifo<StorageKey>()
        private(set) var queuedByteCount = 0
        private(set) var forgottenKeyCount: UInt64 = 0
        private var forgotten = ForgottenKeys()

        init(_ limits: RemoteLimits) { self.limits = limits }

        /// Keys with a change.
        var keyCount: Int { keys.count }

        func isBeingPut(_ key: StorageKey) -> Bool {
            guard let state = keys[key] else { return false }
            return state.running?.isPut ?? false || state.waiting?.isPut ?? false
        }

        /// What the key is, before the store is asked.
        func view(of key: StorageKey) -> LocalView {
            switch latest(key) {
            case .put(let object, _)?:
                object.retain()
                return .value(object)
            case .removal?: return .absent
            case nil: return forgotten.contains(key) ? .absent : .unknown
            }
        }

        /// Whether the key is there; `nil` when only the store knows.
        func isThere(_ key: StorageKey) -> Bool? {
            latest(key)?.isPut ?? (forgotten.contains(key) ? false : nil)
        }

        /// The last change that was asked for, of those that are not through.
        private func latest(_ key: StorageKey) -> Change? {
            keys[key].flatMap { $0.waiting ?? $0.running }
        }

        /// Whether there is room for the bytes of a put.
        func hasRoom(for byteCount: Int) -> Bool {
            byteCount <= limits.queuedByteCountMax - queuedByteCount
        }

        /// Takes a put; the caller has taken a reference for it.
        mutating func put(_ key: StorageKey, _ object: MemoryObject, _ task: PutTask) -> Effects {
            var effects = Effects()
            var tasks = [task]
            switch keys[key]?.waiting {
            case .put(let older, let waiting)?:
                // Whoever has put the older value hears what becomes of this one: it has taken its place.
                tasks = waiting + tasks
                queuedByteCount -= older.byteCount
                effects.released.append(older)
            case .removal(let waiting, let wasQueued)?:
                effects.ended += waiting.map { ($0, wasQueued) }
            case nil: break
            }
            queuedByteCount += object.byteCount
            enqueue(key, .put(object, tasks))
            return effects
        }

        /// Takes a removal.
        ///
        /// - Parameter task: `nil` when nobody waits for it.
        mutating func remove(_ key: StorageKey, _ task: BackendTask<Bool>?) -> Effects {
            var effects = Effects()
            var tasks = task.map { [$0] } ?? []
            var wasQueued = keys[key]?.running?.isPut ?? false
            switch keys[key]?.waiting {
            case .put(let older, let waiting)?:
                wasQueued = true
                effects.ended += waiting.map { ($0, false) }
                queuedByteCount -= older.byteCount
                effects.released.append(older)
            case .removal(let waiting, let was)?:
                tasks = waiting + tasks
                wasQueued = was
            case nil: break
            }
            effects.merge(withdraw(key, tasks, wasQueued: wasQueued))
            return effects
        }

        /// Puts a removal in line, or remembers that the key must not be asked for.
        private mutating func withdraw(
            _ key: StorageKey,
            _ tasks: [BackendTask<Bool>],
            wasQueued: Bool
        ) -> Effects {
            guard keys[key] != nil || keys.count < limits.withdrawnKeyCountMax else {
                forget(key)
                return Effects(ended: tasks.map { ($0, wasQueued) })
            }
            enqueue(key, .removal(tasks, wasQueued: wasQueued))
            return Effects()
        }

        private mutating func forget(_ key: StorageKey) {
            forgotten.insert(key)
            forgottenKeyCount += 1
        }

        /// Puts a change in line, unless one of its key is under way: then it is when that has ended.
        private mutating func enqueue(_ key: StorageKey, _ change: Change) {
            let replaced = keys[key]?.waiting
            keys[key, default: KeyState()].waiting = change
            guard !(keys[key]?.isRunning ?? false) else { return }
            // What it takes the place of is in line already, but perhaps not in the shorter one.
            if replaced == nil || change.isAwaited && !(replaced?.isAwaited ?? false) { lineUp(key, change) }
        }

        private mutating func lineUp(_ key: StorageKey, _ change: Change) {
            if change.isAwaited { urgent.append(key) } else { order.append(key) }
        }

        /// The next change to make; ``ended(_:_:)`` follows.
        mutating func next() -> (key: StorageKey, change: Change)? {
            while let key = urgent.popFirst() ?? order.popFirst() {
                // A key may be in line more than once.
                guard let change = keys[key]?.waiting, !(keys[key]?.isRunning ?? false) else { continue }
                keys[key]?.waiting = nil
                keys[key]?.running = change
                return (key, change)
            }
            return nil
        }

        /// A change has come to an end.
        mutating func ended(_ key: StorageKey, _ outcome: ChangeOutcome) -> Effects {
            guard let change = keys[key]?.running else { preconditionFailure("a change that was not begun") }
            keys[key]?.running = nil
            var effects = Effects()
            switch (change, outcome) {
            case (.put(let object, let tasks), .done):
                queuedByteCount -= object.byteCount
                effects = Effects(ended: tasks.map { ($0, true) }, released: [object])
            case (.put(let object, let tasks), _):
                // A server that hangs may store this value when it wakes, after a later one.
                if case .failed(isUncertain: true) = outcome { forget(key) }
                queuedByteCount -= object.byteCount
                effects = Effects(ended: tasks.map { ($0, false) }, released: [object])
                if keys[key]?.waiting == nil {
                    effects.merge(withdraw(key, [], wasQueued: false))
                    return effects
                }
            case (.removal(let tasks, let wasQueued), .done(let wasStored)):
                effects.ended = tasks.map { ($0, wasStored || wasQueued) }
            case (.removal(let tasks, let wasQueued), .rejected):
                effects.ended = tasks.map { ($0, wasQueued) }
                if keys[key]?.waiting == nil { forget(key) }
            case (.removal(let tasks, let wasQueued), .failed):
                effects.ended = tasks.map { ($0, wasQueued) }
                if keys[key]?.waiting == nil {
                    effects.merge(withdraw(key, [], wasQueued: false))
                    return effects
                }
            }
            if let waiting = keys[key]?.waiting { lineUp(key, waiting) } else { keys[key] = nil }
            return effects
        }

        /// The store is gone: puts that wait become removals, and nobody waits for removals.
        mutating func storeIsGone() -> Effects {
            var effects = Effects()
            for (key, state) in keys {
                switch state.waiting {
                case .put(let object, let tasks)?:
                    queuedByteCount -= object.byteCount
                    effects.ended += tasks.map { ($0, false) }
                    effects.released.append(object)
                    keys[key]?.waiting = .removal([], wasQueued: false)
                case .removal(let tasks, let wasQueued)?:
                    effects.ended += tasks.map { ($0, wasQueued) }
                    keys[key]?.waiting = .removal([], wasQueued: false)
                case nil: break
                }
            }
            return effects
        }
    }
}

extension RemoteBackend.Effects {
    mutating func merge(_ other: RemoteBackend.Effects) {
        ended += other.ended
        released += other.released
        dropped += other.dropped
    }
}

extension RemoteBackend.Change {
    var isPut: Bool {
        if case .put = self { true } else { false }
    }

    /// Whether somebody waits for it: for a removal, that is; puts are done behind.
    var isAwaited: Bool {
        if case .removal(let tasks, _) = self { !tasks.isEmpty } else { false }
    }
}
