internal import Glibc

/// The time of day in milliseconds since 1970, by which values expire; replaced in tests.
public struct WallClock: Sendable {
    private let read: @Sendable () -> Int64

    /// Creates a clock from a function that tells the milliseconds since 1970.
    public init(_ read: @escaping @Sendable () -> Int64) {
        self.read = read
    }

    /// The system's clock.
    public static let system = WallClock { microseconds / 1000 }

    /// Microseconds since 1970 on the system's clock.
    public static var microseconds: Int64 {
        var time = timespec()
        // SAFETY: the call writes the time and nothing else.
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    /// Milliseconds since 1970.
    public var nowMilliseconds: Int64 { read() }
}
