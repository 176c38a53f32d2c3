internal import RepriseCore

/// What a connection waits for whose next request wants values that are not in memory.
///
/// Keeps what has been loaded in memory until the request has been tried again.
final class LoadWait: Sendable {
    private struct State {
        var pending: Set<StorageKey>
        var loaded: [MemoryObject] = []
        var failed: Set<StorageKey>
        var isOver = false
    }

    private let state: Lock<State>
    /// How many times in a row the connection's request has waited.
    let round: Int
    private let previous: LoadWait?

    /// Creates a wait for some keys, of a request that has waited for others just before.
    init(for keys: [StorageKey], after previous: LoadWait?) {
        state = Lock(State(pending: Set(keys), failed: previous?.absentKeys ?? []))
        round = (previous?.round ?? 0) + 1
        self.previous = previous
    }

    deinit {
        for object in state.withLock({ $0.loaded }) { object.release() }
    }

    /// Whether every key was loaded, or could not be.
    var isComplete: Bool { state.withLock { $0.pending.isEmpty } }

    /// Keys that could not be loaded.
    var absentKeys: Set<StorageKey> { state.withLock { $0.failed } }

    /// Takes a loaded value's reference over, or notes that there is none; says whether that was the last.
    func end(_ key: StorageKey, _ object: MemoryObject?) -> Bool {
        let (isKept, isLast) = state.withLock { state in
            guard !state.isOver, state.pending.remove(key) != nil else { return (false, false) }
            if let object { state.loaded.append(object) } else { state.failed.insert(key) }
            return (true, state.pending.isEmpty)
        }
        if !isKept { object?.release() }
        return isLast
    }

    /// Waits no more for what has not come.
    func giveUp() {
        state.withLock { state in
            state.failed.formUnion(state.pending)
            state.pending = []
            state.isOver = true
        }
    }
}
