/// Reads and prints durations with units, such as `250ms`, `30s` and `5m`.
public enum DurationText {
    /// What a duration may look like, for messages and help.
    public static let forms = "a duration is digits and a unit: 500us, 250ms, 30s, 5m, 2h, 1d"

    private static let units: [(name: String, nanoseconds: Int)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
    ]

    /// Reads a duration such as `250ms`, `30s` or `5m`: digits, then a unit, without a space or sign.
    ///
    /// - Throws: ``UnitError``, whose message names the accepted forms; also for one of 292 years or more.
    public static func parse(_ text: String) throws(UnitError) -> Duration {
        let (count, unit) = try UnitError.split(text, forms: forms)
        guard let match = units.first(where: { $0.name == unit }) else { throw UnitError(text, forms: forms) }
        let (nanoseconds, overflow) = count.multipliedReportingOverflow(by: match.nanoseconds)
        guard !overflow else { throw UnitError(tooLarge: text, forms: forms) }
        return .nanoseconds(nanoseconds)
    }

    /// The duration in the largest unit that divides it exactly, such as `90s` or `250ms`; ``parse(_:)``
    /// reads it back.
    ///
    /// Parts of a nanosecond are dropped.
    ///
    /// - Precondition: `duration` is not negative and less than 292 years.
    public static func exact(_ duration: Duration) -> String {
        precondition(duration >= .zero, "a duration of \(duration) is negative")
        let nanoseconds = duration.nanosecondCount
        guard nanoseconds != 0 else { return "0s" }
        for (name, scale) in units where nanoseconds.isMultiple(of: scale) {
            return "\(nanoseconds / scale)\(name)"
        }
        return "\(nanoseconds)ns"
    }
}

extension Duration {
    /// The duration in whole nanoseconds; parts of one are dropped.
    ///
    /// - Precondition: it is less than 292 years either way, or this traps.
    public var nanosecondCount: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
    }
}
