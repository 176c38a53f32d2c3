internal import RepriseCore

/// Whether a disk can be used, and when it is tried again.
struct DiskHealth {
    var isOut = false
    /// Why it was taken out the last time.
    var outReason: DiskOutReason?
    /// Failed calls since the last that succeeded.
    var failureCount = 0
    /// When a disk that is out is tried again, in milliseconds since 1970.
    var nextProbe: Int64 = 0
    /// How long the wait after that is.
    var probeMilliseconds: Int64 = 0
    var isProbing = false
    var lastError: DiskIOError?
}

/// Why a disk was taken out.
package enum DiskOutReason: String, Sendable {
    /// Several calls in a row failed.
    case callsFail = "calls fail"
    /// A call has not returned for too long.
    case callsHang = "a call hangs"
    /// That a value was removed or replaced could be recorded nowhere.
    case cannotRecord = "a removal could not be recorded"
}

/// What an operator should hear of a disk.
package enum DiskEvent: Sendable {
    /// It serves nothing until it is back. Values that are removed or replaced meanwhile may come back, if
    /// the process dies before the disk is back.
    case out(DiskOutReason, DiskIOError?)
    /// It serves again.
    case back
    /// It missed a start of its node, and forgets what it has.
    case startedEmpty
    /// Its file system has no transfers past the page cache.
    case notDirect
}

extension DiskStore {
    /// Why the disk serves nothing at the moment; `nil` when it serves.
    var outDescription: String? {
        state.withLock { state in
            guard state.health.isOut else { return nil }
            let error = state.health.lastError.map { ", the last with \($0)" } ?? ""
            return
                "out, and tried again now and then; \(state.health.outReason?.rawValue ?? "it fails")\(error)"
        }
    }
}

extension DiskStore.State {
    /// Counts a call's end.
    mutating func note(_ result: Result<Void, DiskIOError>, in store: DiskStore) {
        guard case .failure(let error) = result else {
            health.failureCount = 0
            return
        }
        statistics.ioErrorCount += 1
        health.failureCount += 1
        health.lastError = error
        if health.failureCount >= store.limits.failureCountMax { takeOut(.callsFail, in: store) }
    }

    /// Stops using a disk, which must not hold up those who could do without it.
    mutating func takeOut(_ reason: DiskOutReason, in store: DiskStore) {
        guard !health.isOut else { return }
        health.isOut = true
        health.outReason = reason
        statistics.outCount += 1
        health.probeMilliseconds = store.limits.probeMilliseconds
        health.nextProbe = store.wallClock.nowMilliseconds + health.probeMilliseconds
        for job in jobs.values.sorted(by: { $0.slot < $1.slot })
        where table.entries[job.slot].status == .queued {
            forget(job)
            end(job, stored: false)
        }
        for records in withdrawn.values { for record in records { acknowledge(record) } }
        for block in Array(rewriting.keys) { tellRewriting(block) }
        tellFloorWaiters()
        giveUpJournalWaiters(in: store)
        let error = health.lastError
        actions.afterwards.append { store.report(.out(reason, error)) }
    }

    /// Ends what waits for the journal and can do without it.
    private mutating func giveUpJournalWaiters(in store: DiskStore) {
        let waiters = journal.waiters
        journal.waiters = []
        for waiter in waiters {
            switch waiter {
            case .record: journal.waiters.append(waiter)
            case .begin(let job, _):
                job.hasFailed = true
                callEnded(of: job, in: store)
            case .put(let job): end(job, stored: false)
            case .change(let change): actions.afterwards.append { change.recordPart() }
            }
        }
    }

    /// Takes out a disk whose calls hang, and tries one that is out.
    mutating func checkHealth(now: Int64, in store: DiskStore) {
        if !health.isOut, store.engine.longestRunMilliseconds > store.limits.stuckMillisecondsMax {
            takeOut(.callsHang, in: store)
        }
        guard health.isOut, !health.isProbing, now >= health.nextProbe else { return }
        health.isProbing = true
        let superblock = nextSuperblock()
        actions.requests.append(
            IORequest(priority: .background) {
                let result = store.write(superblock)
                store.perform { $0.probeEnded(result, in: store) }
            }
        )
    }

    private mutating func probeEnded(_ result: Result<Void, DiskIOError>, in store: DiskStore) {
        health.isProbing = false
        guard case .success = result else {
            health.probeMilliseconds = min(health.probeMilliseconds * 2, store.limits.probeMillisecondsMax)
            health.nextProbe = store.wallClock.nowMilliseconds + health.probeMilliseconds
            return
        }
        health.isOut = false
        health.failureCount = 0
        // What the journal was to hear meanwhile may be lost.
        journal.isBroken = true
        retryDestructions(in: store)
        compactIfDue(in: store)
        flushJournal(in: store)
        actions.afterwards.append { store.report(.back) }
    }

    /// Keeps a record whose header could not be destroyed for another try.
    mutating func retryLater(_ record: WithdrawnRecord) {
        record.mustRetry = true
        retries.append(record)
    }

    /// Tries again to destroy headers that could not be.
    mutating func retryDestructions(in store: DiskStore) {
        guard !health.isOut, !retries.isEmpty else { return }
        let records = retries
        retries = []
        for record in records {
            record.mustRetry = false
            record.pendingPartCount += 1
            destroyHeader(of: record, for: nil, in: store)
            // The hold of the try before.
            dropHold(record.block)
        }
    }
}
