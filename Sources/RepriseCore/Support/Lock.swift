public import Glibc

/// A mutual-exclusion lock that owns the state it protects.
///
/// Built on `pthread_mutex_t` and not on `Synchronization.Mutex`: on this toolchain the latter is a
/// priority-inheritance futex that collapses under contention (swiftlang/swift #88440) and on which
/// ThreadSanitizer reports false races. Never hold it across I/O, a copy, a callback or logging
/// (docs/CONCURRENCY.md).
@safe
public final class Lock<State: ~Copyable>: Sendable {
    // SAFETY: both are allocated in `init` and freed in `deinit`; the state is touched only between
    // `pthread_mutex_lock` and `pthread_mutex_unlock` on the mutex.
    @usableFromInline
    internal nonisolated(unsafe) let state: UnsafeMutablePointer<State>
    @usableFromInline
    internal nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>

    /// Creates an unlocked lock around `state`.
    public init(_ state: consuming sending State) {
        unsafe self.state = .allocate(capacity: 1)
        unsafe self.state.initialize(to: state)
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        let status = unsafe pthread_mutex_init(mutex, nil)
        precondition(status == 0, "pthread_mutex_init failed with \(status)")
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// Runs `body` with exclusive access to the state and returns what it returns.
    ///
    /// - Complexity: one uncontended lock and unlock, about 20 ns, beside `body`.
    @inlinable
    public func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // SAFETY: see the stored properties. A failing lock means a corrupted mutex: the process must not go
        // on.
        let locked = unsafe pthread_mutex_lock(mutex)
        precondition(locked == 0, "pthread_mutex_lock failed")
        defer {
            let unlocked = unsafe pthread_mutex_unlock(mutex)
            precondition(unlocked == 0, "pthread_mutex_unlock failed")
        }
        // SAFETY: the mutex is held.
        return try unsafe body(&state.pointee)
    }
}
