import Glibc
import RepriseCore

/// Ctrl-C as the way to end a command that would go on for ever.
enum Interrupt {
    /// Makes SIGINT end the process with exit code 0, whatever it is waiting for. Call it once, before any
    /// thread starts.
    static func endsQuietly() {
        var set = sigset_t()
        // SAFETY: the calls write to the set only, and read it.
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGINT)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        let waited = set
        Thread(name: "reprise-stop") {
            var set = waited
            var number: Int32 = 0
            // SAFETY: both are valid for the call; it fails for an invalid set only.
            while unsafe sigwait(&set, &number) != 0 {}
            exit(0)
        }.detach()
    }

    /// Lets the calling thread sleep; a signal may end that early.
    static func sleep(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        guard duration > .zero else { return }
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        // SAFETY: nanosleep(2) reads the struct during the call.
        _ = unsafe nanosleep(&time, nil)
    }
}
