extension EntryStore {
    /// Removes what has expired; values that are being read live on until their readers let go.
    ///
    /// - Returns: When to look again at the latest, in milliseconds since 1970; `nil` when nothing expires.
    func removeExpired() -> Int64? {
        while true {
            var removed = RemovedEntries()
            let (isDone, next) = lock.withLock { $0.removeExpired(into: &removed) }
            if isDone { return next }
        }
    }

    /// Lets `wake` be called whenever something begins to expire before the time that ``removeExpired()`` has
    /// returned last. It is called without the lock.
    func setExpiryWaker(_ wake: (@Sendable () -> Void)?) {
        lock.withLock { state in
            state.expiryWaker = wake
            state.expiryWakeTime = .max
        }
    }
}

extension EntryStore.State {
    /// Whether an entry's time has come.
    @inline(__always)
    func hasExpired(_ slot: EntrySlot) -> Bool {
        entries[slot].expires && expiries.deadline(of: slot) <= wallClock.nowMilliseconds
    }

    /// When an entry expires, or `nil`.
    func deadline(of slot: EntrySlot) -> Int64? {
        entries[slot].expires ? expiries.deadline(of: slot) : nil
    }

    /// When a value expires that is put in the place of an entry, or of none.
    @inline(__always)
    func deadline(after expiry: PutExpiry, of slot: EntrySlot?, or cold: SlowerEntry?) -> Int64? {
        switch expiry {
        case .never: return nil
        case .kept:
            guard let slot else { return cold?.deadline }
            return deadline(of: slot)
        case .at(let milliseconds): return milliseconds
        }
    }

    /// Sets when an entry expires; whoever waits for the earliest deadline is added to `waiters` when this is
    /// earlier.
    mutating func schedule(
        _ slot: EntrySlot,
        deadline: Int64?,
        _ waiters: inout [@Sendable () -> Void]
    ) {
        if entries[slot].expires { expiries.remove(slot) }
        if entries[slot].expires != (deadline != nil) {
            entries[slot].expires = deadline != nil
            keys.setExpires(entries[slot].key, to: deadline != nil)
        }
        guard let deadline else { return }
        expiries.insert(slot, deadline: deadline)
        guard deadline < expiryWakeTime, let expiryWaker else { return }
        expiryWakeTime = deadline
        waiters.append(expiryWaker)
    }

    /// Removes some of what has expired; says whether that was all, and when to look again.
    fileprivate mutating func removeExpired(
        into removed: inout RemovedEntries
    ) -> (isDone: Bool, next: Int64?) {
        let now = wallClock.nowMilliseconds
        var budget = StoreLimits.expiredEntryCount
        while let slot = expiries.firstDue(now: now, budget: &budget) {
            remove(slot, into: &removed, blockIsReused: false)
            statistics.expiredCount += 1
            budget -= 1
        }
        let next = expiries.nextTurn
        expiryWakeTime = next ?? .max
        return (budget > 0, next)
    }
}
