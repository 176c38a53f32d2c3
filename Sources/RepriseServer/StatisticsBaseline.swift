internal import RepriseCore

/// What INFO counts from: the figures at the last CONFIG RESETSTAT.
///
/// The statistics in Prometheus's style are never reset: their readers take differences.
final class StatisticsBaseline: Sendable {
    private let values = Lock<[String: UInt64]>([:])

    /// The part of a figure that has come since the last reset.
    func since(_ name: String, _ value: UInt64) -> UInt64 {
        let before = values.withLock { $0[name] ?? 0 }
        return value > before ? value - before : 0
    }

    /// Counts from these figures on.
    func reset(to figures: [String: UInt64]) {
        values.withLock { $0 = figures }
    }
}
