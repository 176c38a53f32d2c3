internal import Glibc

extension Lock where State: ~Copyable {
    /// Runs `body` with exclusive access to the state until it returns a value, once more after each signal.
    ///
    /// It blocks the thread. Which of several waiting threads a signal wakes is the system's choice. It is
    /// run once a second without a signal, too: glibc before 2.41 can lose one (bug 25847), which then costs
    /// a second, and not a thread that sleeps for ever.
    ///
    /// - Parameter limit: How long to wait; none when it is not positive, and 136 years at most.
    /// - Returns: What `body` returned, or `nil` after `limit`.
    package func withLock<Result>(
        waitingFor condition: Condition,
        atMost limit: Duration,
        _ body: (inout State) -> Result?
    ) -> Result? {
        let deadline = Lock.time(after: limit)
        // SAFETY: the mutex is held whenever `body` runs, and each run ends before the mutex is let go to
        // wait.
        let locked = unsafe pthread_mutex_lock(mutex)
        precondition(locked == 0, "pthread_mutex_lock failed")
        defer {
            let unlocked = unsafe pthread_mutex_unlock(mutex)
            precondition(unlocked == 0, "pthread_mutex_unlock failed")
        }
        while true {
            // SAFETY: the mutex is held here, and given up only inside the wait.
            if let result = unsafe body(&state.pointee) { return result }
            var next = Lock.time(after: .seconds(1))
            let isLast = (deadline.tv_sec, deadline.tv_nsec) <= (next.tv_sec, next.tv_nsec)
            if isLast { next = deadline }
            let status = unsafe pthread_cond_timedwait(condition.condition, mutex, &next)
            if isLast, status == ETIMEDOUT { return unsafe body(&state.pointee) }
            precondition(status == 0 || status == ETIMEDOUT, "pthread_cond_timedwait failed with \(status)")
        }
    }

    /// The time on the monotonic clock after `limit`.
    private static func time(after limit: Duration) -> timespec {
        var time = timespec()
        // SAFETY: the call writes the time and nothing else.
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let (seconds, attoseconds) = max(.zero, min(limit, .seconds(1 << 32))).components
        let nanoseconds = time.tv_nsec + Int(attoseconds / 1_000_000_000)
        time.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        time.tv_nsec = nanoseconds % 1_000_000_000
        return time
    }
}
