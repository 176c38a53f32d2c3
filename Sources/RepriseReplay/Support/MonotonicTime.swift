internal import Glibc

/// Readings of a clock that never goes back.
internal enum MonotonicTime {
    /// Nanoseconds since some moment in the past; about 25 ns to read, without a system call. See
    /// clock_gettime(2).
    static func nanoseconds() -> UInt64 {
        var time = timespec()
        // SAFETY: clock_gettime(2) fills the struct during the call; this clock always exists.
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Lets the calling thread sleep.
    static func sleep(milliseconds: Int) {
        var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        // SAFETY: nanosleep(2) reads the struct during the call; a signal may end the sleep early, which is
        // harmless.
        _ = unsafe nanosleep(&time, nil)
    }
}
