/// How a client of a node waits.
enum LocalTimes {
    /// The first pause before another attempt to connect; each failure doubles it.
    static let pauseMin = Duration.milliseconds(10)
    /// The longest pause between attempts.
    static let pauseMax = Duration.seconds(1)
    /// The pause before room, or a lease, is asked for again that others hold.
    static let askAgainPauseMilliseconds: Int64 = 2
    /// It is not asked for again in the last part of a call's time, one over this: the answer would come too
    /// late.
    static let lastPartDivisor = 8
    /// How often the watching thread looks for further memory that the node has populated, and for the
    /// client's end.
    static let watchMilliseconds: Int32 = 200

    /// The pause after so many failures in a row.
    static func pause(afterFailures count: Int) -> Duration {
        guard count < 16 else { return pauseMax }
        return min(pauseMax, pauseMin * (1 << max(0, count - 1)))
    }
}
