internal import CRepriseShims
internal import Glibc

// SAFETY, whole file: the start is retained once for the new thread, which takes it once; signal sets are
// plain values.

/// A system thread of our own, for work that may block.
///
/// Threads of Swift's cooperative pool must not block, so everything that does runs on one of these.
@safe
public final class Thread: Sendable {
    private let identifier: pthread_t

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread that runs `body` with all signals blocked, so that they reach the thread that waits
    /// for them.
    ///
    /// - Parameter name: At most 15 characters are shown by the system.
    /// - Precondition: the system can start another thread.
    public init(name: String, _ body: @escaping @Sendable () -> Void) {
        let (status, identifier) = Thread.start(Start(name: name, body: body))
        precondition(status == 0, "no thread could be started: \(systemMessage(status))")
        self.identifier = identifier
    }

    private init(_ identifier: pthread_t) { self.identifier = identifier }

    /// Starts a thread, as ``init(name:_:)`` does, where the system may refuse to.
    ///
    /// - Throws: `system` when the system starts no further thread.
    package static func start(
        name: String,
        _ body: @escaping @Sendable () -> Void
    ) throws(StorageError) -> Thread {
        let (status, identifier) = start(Start(name: name, body: body))
        guard status == 0 else {
            throw StorageError(.system, "no thread could be started: \(systemMessage(status))")
        }
        return Thread(identifier)
    }

    private static func start(_ body: Start) -> (status: Int32, identifier: pthread_t) {
        let start = unsafe Unmanaged.passRetained(body)
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        var identifier = pthread_t()
        let status = unsafe pthread_create(
            &identifier,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                // SAFETY: the starting thread passed exactly one retained `Start`.
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                unsafe reprise_set_thread_name(String(start.name.prefix(15)))
                start.body()
                return nil
            },
            start.toOpaque()
        )
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        // SAFETY: no thread has been started that would take it.
        if status != 0 { unsafe start.release() }
        return (status, identifier)
    }

    /// Lets the calling thread sleep.
    package static func sleep(milliseconds: Int64) {
        usleep(UInt32(clamping: milliseconds * 1000))
    }

    /// Lets the thread go on alone: the system takes its stack back when it ends. Call it instead of
    /// ``join()``.
    public func detach() {
        _ = pthread_detach(identifier)
    }

    /// Waits until the thread has ended. Call it exactly once.
    public func join() {
        _ = pthread_join(identifier, nil)
    }
}
