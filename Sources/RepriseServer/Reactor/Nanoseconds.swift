internal import Glibc

/// The monotonic clock in nanoseconds, cheap enough to be read for each read of a socket.
enum Nanoseconds {
    static var now: UInt64 {
        var time = timespec()
        // SAFETY: the call writes the time and nothing else.
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
