import Glibc

/// Times as text.
enum TimeText {
    /// The time of day in UTC, as RFC 3339 writes it, to the millisecond.
    static func now() -> String {
        var now = timespec()
        // SAFETY: a plain record; the calls write to the structures only.
        var parts = unsafe tm()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        unsafe gmtime_r(&now.tv_sec, &parts)
        let date = unsafe [
            padded(Int(parts.tm_year) + 1900, 4), padded(Int(parts.tm_mon) + 1), padded(Int(parts.tm_mday)),
        ]
        let time = unsafe [padded(Int(parts.tm_hour)), padded(Int(parts.tm_min)), padded(Int(parts.tm_sec))]
        let milliseconds = padded(now.tv_nsec / 1_000_000, 3)
        return "\(date.joined(separator: "-"))T\(time.joined(separator: ":")).\(milliseconds)Z"
    }

    private static func padded(_ number: Int, _ width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
