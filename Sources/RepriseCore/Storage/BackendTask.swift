internal import Glibc

// SAFETY, whole file: the semaphore lives from `init` to `deinit`, and the system synchronises it.

/// Work that a backend does after a call has returned: it ends once, with one value, and can be waited for.
@safe
public final class BackendTask<Value: Sendable>: Sendable {
    private let outcome = Lock<Value?>(nil)
    private let assist: (@Sendable (_ isDone: () -> Bool) -> Void)?
    // SAFETY: allocated in `init`, freed in `deinit`; sem_post and sem_wait synchronise it themselves.
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

    /// Creates a task that has not ended.
    ///
    /// - Parameter assist: Lets the thread that waits help meanwhile; returns when nothing is left to help
    ///   with, or soon after the closure that it is given returns `true`.
    public init(assist: (@Sendable (_ isDone: () -> Bool) -> Void)? = nil) {
        self.assist = assist
        unsafe semaphore = .allocate(capacity: 1)
        unsafe semaphore.initialize(to: sem_t())
        unsafe sem_init(semaphore, 0, 0)
    }

    /// Creates a task that has ended already.
    public convenience init(ended value: Value) {
        self.init()
        end(value)
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    /// Whether the task has ended.
    public var hasEnded: Bool { outcome.withLock { $0 != nil } }

    /// Ends the task and wakes whoever waits.
    ///
    /// - Precondition: it has not ended before, or this traps.
    public func end(_ value: Value) {
        outcome.withLock { outcome in
            precondition(outcome == nil, "a task ends once")
            outcome = value
        }
        unsafe sem_post(semaphore)
    }

    /// Waits until the task has ended and returns its value.
    ///
    /// - Precondition: not called inside a Swift task, whose thread must not block; this traps there.
    public func wait() -> Value {
        if let value = outcome.withLock({ $0 }) { return value }
        precondition(unsafe withUnsafeCurrentTask { unsafe $0 == nil }, "wait() would block a task's thread")
        assist? { hasEnded }
        while true {
            // EINTR is retried: sem_wait(3) may be interrupted by a signal handler.
            while unsafe sem_wait(semaphore) != 0 {}
            unsafe sem_post(semaphore)
            if let value = outcome.withLock({ $0 }) { return value }
        }
    }
}

/// A put that a backend has accepted; its value says whether the object was stored.
public typealias PutTask = BackendTask<Bool>

/// A load that a backend has started; its value is the object, with a reference for the caller, or `nil`.
public typealias PrefetchTask = BackendTask<MemoryObject?>
