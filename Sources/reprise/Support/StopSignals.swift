import Glibc
import Logging
import RepriseCore
import RepriseServer

/// The signals that stop a node: the first lets transfers in flight end, the second does not.
enum StopSignals {
    private static var signals: sigset_t {
        var set = sigset_t()
        // SAFETY: the calls write to the set only.
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        return set
    }

    /// Keeps the signals pending until they are waited for, and ignores SIGPIPE. Call it before any thread
    /// starts.
    static func block() {
        var set = signals
        // SAFETY: the set is read during the call; SIG_IGN is a constant.
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for the signals, and ends the process.
    ///
    /// - Parameter closing: What is to be done once the server has stopped.
    static func waitAndStop(
        _ server: Server,
        logger: Logger,
        closing: @escaping @Sendable () -> Void
    ) -> Never {
        let first = wait()
        logger.notice("stopping: transfers in flight may end", metadata: ["signal": "\(first)"])
        server.drain()
        _ = Thread(name: "reprise-stop") {
            server.waitUntilStopped()
            closing()
            logger.notice("stopped")
            exit(0)
        }
        let second = wait()
        logger.warning("stopped before transfers had ended", metadata: ["signal": "\(second)"])
        // The exit code of a process that the signal killed, as a shell shows it.
        exit(128 + second)
    }

    private static func wait() -> Int32 {
        var set = signals
        var number: Int32 = 0
        // SAFETY: both are valid for the call; it fails for an invalid set only.
        while unsafe sigwait(&set, &number) != 0 {}
        return number
    }
}
