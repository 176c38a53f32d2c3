package import RepriseCore
internal import RepriseRemote

extension TierStack {
    /// Starts the disks' I/O, and does elsewhere what is noted.
    package func start() {
        disk?.start()
        drain()
    }

    /// Forgets every key. What a remote store has stays there, and may be found again.
    package func withdrawAll() -> RecordedChange? {
        state.withLock { state in
            state.outdateAll()
            state.lastWithdrawn = nil
            state.effects.append(.cleared)
        }
        defer { drain() }
        return disk?.withdrawAll()
    }

    /// Performs effects in their order; one thread at a time.
    func drain() {
        while true {
            let effects = state.withLock { state -> [Effect] in
                guard !state.isDraining, !state.effects.isEmpty else { return [] }
                state.isDraining = true
                return state.effects.takeAll()
            }
            guard !effects.isEmpty else { return }
            for (index, effect) in effects.enumerated() {
                perform(effect, before: index + 1 < effects.count ? effects[index + 1] : nil)
            }
            state.withLock { $0.isDraining = false }
        }
    }

    private func perform(_ effect: Effect, before next: Effect?) {
        switch effect {
        case .withdrawn(let key):
            // A put withdraws what it replaces: then the value that follows does.
            if case .stored(let stored, _) = next, stored == key { return }
            directory?.remove(key)
            remote?.submitRemoveTask(key)
        case .expires(let key):
            directory?.remove(key)
            remote?.submitRemoveTask(key)
        case .stored(let key, let object):
            directory?.insert(key)
            guard let object else { return }
            // What the store has is older, if it does not take this.
            if remote?.submitPutTask(key, object) == nil { remote?.submitRemoveTask(key) }
            object.release()
        case .arrived(let key):
            // It may have been removed meanwhile; a removal after this look is noted behind it.
            if isInMemory(key) { directory?.insert(key) }
        case .left(let key):
            // It may have come back meanwhile.
            if !isInMemory(key) { directory?.remove(key) }
        case .cleared:
            directory?.removeAll()
        }
    }

    private func isInMemory(_ key: StorageKey) -> Bool { memory.withLock { $0 }?.isInMemory(key) == true }

    /// Closes the disks, the stores elsewhere and the directory; calling it again does nothing.
    package func close() {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        drain()
        // The directory first, so that nobody comes for what is about to go.
        directory?.close()
        disk?.close()
        peers?.close()
        remote?.close()
        memory.withLock { $0 = nil }
    }
}
