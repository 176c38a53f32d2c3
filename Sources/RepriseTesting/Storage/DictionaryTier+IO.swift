package import RepriseCore

/// What a disk's threads would do.
extension DictionaryTier {
    /// Carries out every put task.
    package func write() {
        while true {
            let first = state.withLock { state in
                // Another thread may end the task meanwhile, and let go of its reference.
                state.tasks.first?.object.retain()
                return state.tasks.first
            }
            guard let task = first else { return }
            let bytes = [UInt8](copying: task.object.bytes)
            if state.withLock({ $0.taskEnded(task, bytes: bytes) }) { task.object.release() }
            task.object.release()
        }
    }

    /// Records changes, the oldest first: so many, or all.
    package func record(_ count: Int = .max) {
        let changes = state.withLock { state in
            let chosen = Array(state.changes.prefix(count))
            state.changes.removeFirst(chosen.count)
            return chosen
        }
        for change in changes { change.recordPart() }
    }

    /// Brings a key's value into memory.
    package func load(_ key: StorageKey, completion: @escaping @Sendable (MemoryObject?) -> Void) {
        let isStored = state.withLock { state in
            state.requestedLoadCount += 1
            guard let value = state.values[key], !value.hasExpired(now) else { return false }
            if let index = state.loads.firstIndex(where: { $0.value.number == value.number }) {
                state.loads[index].completions.append(completion)
            } else {
                state.loads.append(.init(key: key, value: value, completions: [completion]))
            }
            return true
        }
        guard isStored else { return completion(nil) }
        if !waits.contains(.loads) { finishLoads() }
    }

    /// Ends loads: of one key, or all.
    package func finishLoads(_ end: LoadEnd = .value, of key: StorageKey? = nil) {
        let loads = state.withLock { state in
            let chosen = state.loads.filter { key == nil || $0.key == key }
            state.loads.removeAll { key == nil || $0.key == key }
            return chosen
        }
        for load in loads { finish(load, end) }
    }

    private func finish(_ load: DictionaryTierState.Load, _ end: LoadEnd) {
        let isCurrent = { [self] in state.withLock { $0.values[load.key]?.number == load.value.number } }
        guard case .value = end, let memory = memory.withLock({ $0 }),
            let object = memory.allocateForLoad(byteCount: load.value.bytes.count)
        else {
            for completion in load.completions { completion(nil) }
            return
        }
        object.copy(from: load.value.bytes.rawSpan)
        object.describe(as: load.value.metadata)
        memory.promote(object, for: load.key, isCurrent: isCurrent)
        let isGood = isCurrent()
        for completion in load.completions {
            if isGood { object.retain() }
            completion(isGood ? object : nil)
        }
        object.release()
    }
}
