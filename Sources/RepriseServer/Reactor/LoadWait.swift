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
    private let keys: Set<StorageKey>
    /// How many times the connection's request has waited for a key that it had waited for before.
    let round: Int
    /// Bytes of all values that the request has waited for.
    let byteCount: Int
    private let previous: LoadWait?

    /// Creates a wait for some keys, of a request that has waited for others just before.
    ///
    /// - Parameter byteCount: Bytes of the keys' values.
    init(for keys: Set<StorageKey>, byteCount: Int, after previous: LoadWait?) {
        state = Lock(State(pending: keys, failed: previous?.absentKeys ?? []))
        self.keys = keys
        let isAgain = keys.contains { previous?.hasWaited(for: $0) ?? false }
        round = (previous?.round ?? 0) + (isAgain ? 1 : 0)
        self.byteCount = byteCount + (previous?.byteCount ?? 0)
        self.previous = previous
    }

    /// Whether every key was loaded, or could not be.
    var isComplete: Bool { state.withLock { $0.pending.isEmpty } }

    /// Keys that could not be loaded.
    var absentKeys: Set<StorageKey> { state.withLock { $0.failed } }

    private func hasWaited(for key: StorageKey) -> Bool {
        keys.contains(key) || previous?.hasWaited(for: key) ?? false
    }

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

    /// Lets go of what was loaded, and of what will be: the request has been tried again, or never will be.
    func finish() {
        let loaded = state.withLock { state in
            state.isOver = true
            defer { state.loaded = [] }
            return state.loaded
        }
        for object in loaded { object.release() }
        previous?.finish()
    }
}
