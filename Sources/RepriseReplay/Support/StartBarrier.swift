internal import Glibc

/// Holds threads until all of them have arrived, then lets all of them go.
@safe
internal final class StartBarrier: Sendable {
    // SAFETY: allocated in `init` and freed in `deinit`; every access is a call that may be made from any
    // thread.
    private nonisolated(unsafe) let barrier: UnsafeMutablePointer<pthread_barrier_t>

    /// Creates a barrier for `threadCount` threads.
    ///
    /// - Precondition: `threadCount` is at least 1.
    init(threadCount: Int) {
        // SAFETY: initialised before any thread can see it.
        unsafe barrier = .allocate(capacity: 1)
        unsafe barrier.initialize(to: pthread_barrier_t())
        let status = unsafe pthread_barrier_init(barrier, nil, UInt32(threadCount))
        precondition(status == 0, "pthread_barrier_init failed with \(status)")
    }

    deinit {
        // SAFETY: the last reference is gone, so no thread waits.
        unsafe pthread_barrier_destroy(barrier)
        unsafe barrier.deallocate()
    }

    /// Waits for the others.
    func wait() {
        // SAFETY: see `barrier`; the result only says which thread came last.
        _ = unsafe pthread_barrier_wait(barrier)
    }
}
