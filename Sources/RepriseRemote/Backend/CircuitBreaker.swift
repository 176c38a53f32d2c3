/// Whether a store is worth asking; decides by what came of earlier calls, and does nothing itself.
///
/// While it is open nobody asks but a probe, now and then.
///
/// - Source: M. Nygard, "Release It!", on circuit breakers.
struct CircuitBreaker {
    private let failureCountMax: Int
    private let pauseMin: Duration
    private let pauseMax: Duration
    private var failureCount = 0
    private var pause: Duration
    /// When the next probe is due; `nil` while it is closed.
    private(set) var nextProbe: ContinuousClock.Instant?

    init(failureCountMax: Int, pauseMin: Duration, pauseMax: Duration) {
        self.failureCountMax = failureCountMax
        self.pauseMin = pauseMin
        self.pauseMax = pauseMax
        pause = pauseMin
    }

    /// Whether only a probe may ask.
    var isOpen: Bool { nextProbe != nil }

    /// The store has answered. Returns whether it had been given up.
    mutating func succeeded() -> Bool {
        defer { (failureCount, pause, nextProbe) = (0, pauseMin, nil) }
        return isOpen
    }

    /// The store has not answered. Returns whether it is given up now, and was not before.
    mutating func failed(at now: ContinuousClock.Instant) -> Bool {
        failureCount += 1
        if isOpen {
            pause = min(pause * 2, pauseMax)
        } else if failureCount < failureCountMax {
            return false
        }
        let wasOpen = isOpen
        nextProbe = now + pause
        return !wasOpen
    }

    /// Takes the probe, if it is due: nobody else gets it before its outcome is known.
    mutating func takeProbe(at now: ContinuousClock.Instant) -> Bool {
        guard let due = nextProbe, due <= now else { return false }
        nextProbe = now + max(pauseMax, .seconds(3600))
        return true
    }
}
