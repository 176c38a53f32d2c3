internal import Glibc

/// A thread of our own, for work that blocks. Its owner joins it exactly once.
internal struct WorkerThread: Sendable {
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private let handle: pthread_t

    /// Starts a thread that runs `body`.
    ///
    /// - Precondition: the system can start one more thread.
    init(_ body: @escaping @Sendable () -> Void) {
        var handle = pthread_t()
        // SAFETY: the thread takes over the one reference that is retained here.
        let work = unsafe Unmanaged.passRetained(Work(body)).toOpaque()
        // SAFETY: pthread_create(3) writes the handle before it returns 0; the argument is the object just
        // retained.
        let status = unsafe pthread_create(&handle, nil, WorkerThread.start, work)
        precondition(status == 0, "pthread_create failed with \(status)")
        self.handle = handle
    }

    private static let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
        argument in
        // SAFETY: the argument is the retained object that `init` passed; nobody else releases it.
        unsafe Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
        return nil
    }

    /// Waits until the thread has ended.
    func join() {
        let status = pthread_join(handle, nil)
        precondition(status == 0, "pthread_join failed with \(status)")
    }
}
