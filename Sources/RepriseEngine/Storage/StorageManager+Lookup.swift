public import RepriseCore

/// Which keys lookups have pinned, and where.
struct LookupPins {
    private var pins: [LookupID: [(tier: StorageTier, keys: [StorageKey])]] = [:]

    /// Keeps what a lookup has pinned; `false` when there are too many lookups.
    mutating func add(_ id: LookupID, _ found: [(tier: StorageTier, keys: [StorageKey])], max: Int) -> Bool {
        guard pins[id] != nil || pins.count < max else { return false }
        pins[id, default: []] += found
        return true
    }

    mutating func take(_ id: LookupID) -> [(tier: StorageTier, keys: [StorageKey])] {
        pins.removeValue(forKey: id) ?? []
    }
}

extension StorageManager {
    /// The name of the fastest backend that has a key, of all or of those with these names. Leaves recency
    /// alone.
    public func location(of key: StorageKey, in names: Set<String>? = nil) -> String? {
        chosen(names).first { $0.backend.contains(key) }?.name
    }

    /// Which of `keys` some backend has, of all or of those with these names. Leaves recency alone.
    ///
    /// - Complexity: one batched question to each backend, about the keys that faster ones do not have.
    public func presence(of keys: [StorageKey], in names: Set<String>? = nil) -> [Bool] {
        var isThere = [Bool](repeating: false, count: keys.count)
        var missing = Array(keys.indices)
        for tier in chosen(names) where !missing.isEmpty {
            let answers = tier.backend.presence(of: missing.map { keys[$0] })
            for (index, answer) in zip(missing, answers) { isThere[index] = answer }
            missing.removeAll { isThere[$0] }
        }
        return isThere
    }

    /// The length of the longest prefix of `keys` of which each is in some backend. Leaves recency alone,
    /// unless it pins.
    ///
    /// - Parameters:
    ///   - names: Ask only the backends with these names.
    ///   - id: Pin what is found, each key where it was found, until ``unpin(_:)`` is called with this; a
    ///     lookup whose pins cannot be kept finds nothing.
    public func lookup(_ keys: [StorageKey], in names: Set<String>? = nil, pinningAs id: LookupID? = nil)
        -> Int
    {
        let backends = chosen(names)
        var found: [(tier: StorageTier, keys: [StorageKey])] = []
        var position = 0
        while position < keys.count {
            let rest = Array(keys[position...])
            var count = 0
            for tier in backends where count == 0 {
                count = tier.backend.batchedContains(rest, pinning: id != nil)
                if count > 0 { found.append((tier, Array(rest.prefix(count)))) }
            }
            if count == 0 { break }
            position += count
        }
        guard let id, position > 0 else { return position }
        guard pins.withLock({ $0.add(id, found, max: limits.pinnedLookupCountMax) }) else {
            unpin(found)
            return 0
        }
        return position
    }

    /// Gives the pins of a lookup back; nothing happens when it has none.
    public func unpin(_ id: LookupID) { unpin(pins.withLock { $0.take(id) }) }

    private func unpin(_ found: [(tier: StorageTier, keys: [StorageKey])]) {
        // From tail to head: what is let go of last is evicted last.
        for (tier, keys) in found.reversed() {
            for key in keys.reversed() { tier.backend.unpin(key) }
        }
    }

    /// Begins to bring the values of the longest stored prefix of `keys` into memory, some at a time.
    ///
    /// - Returns: How many of the first keys are in memory or on their way; fewer than are stored when too
    ///   many prefetches wait.
    public func prefetch(prefixOf keys: [StorageKey]) -> Int {
        let count = lookup(keys)
        let isThere = memory.presence(of: Array(keys[..<count]))
        var rest = (0..<count).filter { !isThere[$0] }[...]
        while let first = rest.first {
            let group = rest.prefix(limits.prefetchKeyCountMax).map { keys[$0] }
            let isQueued = prefetches.submit { [weak self] in
                for object in (self?.batchedGet(group) ?? []).reversed() { object.release() }
            }
            guard isQueued else { return first }
            rest = rest.dropFirst(group.count)
        }
        return count
    }

    /// Begins to bring a key's value into memory.
    ///
    /// - Returns: A task that ends with whether memory has it; `nil` when no backend has it, or too many
    ///   prefetches wait.
    @discardableResult
    public func prefetch(_ key: StorageKey) -> BackendTask<Bool>? {
        guard let location = location(of: key) else { return nil }
        if location == Self.memoryName { return BackendTask(ended: true) }
        let task = BackendTask<Bool>()
        let isQueued = prefetches.submit { [weak self] in
            let object = self?.get(key)
            object?.release()
            task.end(object != nil)
        }
        return isQueued ? task : nil
    }
}
