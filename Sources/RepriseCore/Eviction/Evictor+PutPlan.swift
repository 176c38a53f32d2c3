extension Evictor {
    /// Decides what has to leave so that a value of `byteCount` bytes fits; changes nothing.
    ///
    /// The caller measures `inUseByteCount` itself, entries in use, pinned and reserved included: the evictor
    /// keeps no total that could drift. It then removes the victims, or does nothing at all.
    ///
    /// - Parameters:
    ///   - byteCount: The size of the new value; not negative, or this traps.
    ///   - capacityByteCount: What all values may take together; a value of just this size is legal.
    ///   - inUseByteCount: What they take now; not negative, or this traps.
    ///   - replaced: An entry whose bytes become free by this put, because the new value takes its place. It
    ///     counts once, and is never a victim. An old value that stays readable meanwhile must not be named
    ///     here.
    ///   - byteCountOf: The size of an entry.
    /// - Returns: `illegal` when the value is larger than the capacity; `noRoom` when evicting every
    ///   candidate would not be enough; else `legal`. Victims in the order of eviction, as few as suffice;
    ///   none unless `legal`.
    /// - Complexity: O(victims), or O(candidates) for `noRoom`.
    public func planPut(
        byteCount: Int,
        capacityByteCount: Int,
        inUseByteCount: Int,
        replacing replaced: EntrySlot? = nil,
        byteCountOf: (EntrySlot) -> Int
    ) -> (victims: [EntrySlot], status: PutStatus) {
        precondition(byteCount >= 0 && inUseByteCount >= 0, "byte counts cannot be negative")
        guard byteCount <= capacityByteCount else { return ([], .illegal) }
        let replacedByteCount = replaced.map(byteCountOf) ?? 0
        // Cannot overflow: the value is no larger than the capacity.
        var missingByteCount = byteCount - capacityByteCount + (inUseByteCount - replacedByteCount)
        var victims: [EntrySlot] = []
        var next = firstCandidate
        while missingByteCount > 0 {
            guard let victim = next else { return ([], .noRoom) }
            next = candidate(after: victim)
            guard victim != replaced else { continue }
            victims.append(victim)
            missingByteCount -= byteCountOf(victim)
        }
        return (victims, .legal)
    }
}
