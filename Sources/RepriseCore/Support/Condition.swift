internal import Glibc

/// Wakes threads that wait for a change of what a ``Lock`` protects. It waits on the monotonic clock.
@safe
package final class Condition: Sendable {
    // SAFETY: allocated in `init` and freed in `deinit`; the pthread functions synchronise it themselves.
    nonisolated(unsafe) let condition: UnsafeMutablePointer<pthread_cond_t>

    /// Creates a condition that nobody waits for.
    package init() {
        // SAFETY: the memory is made before it is used, and the attributes live until the condition is made.
        unsafe condition = .allocate(capacity: 1)
        unsafe condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        let status = unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
        precondition(status == 0, "pthread_cond_init failed with \(status)")
    }

    deinit {
        // SAFETY: a waiting thread holds the condition, so none is left.
        unsafe pthread_cond_destroy(condition)
        unsafe condition.deallocate()
    }

    /// Wakes one waiting thread, if there is any. Call it after the change, not under the lock.
    package func signal() {
        // SAFETY: the condition lives as long as `self`.
        unsafe pthread_cond_signal(condition)
    }

    /// Wakes every waiting thread. Call it after the change, not under the lock.
    package func broadcast() {
        // SAFETY: the condition lives as long as `self`.
        unsafe pthread_cond_broadcast(condition)
    }
}
