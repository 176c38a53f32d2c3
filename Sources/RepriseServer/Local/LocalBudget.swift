internal import Synchronization

/// Bytes that the leases and kept lookups of all sessions hold together, and their limit.
///
/// It leaves part of the memory to be evicted for others, however many sessions a client opens. Thread-safe,
/// without a lock.
final class LocalBudget: Sendable {
    private let byteCountMax: Int
    private let taken = Atomic<Int>(0)

    init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

    /// Bytes that may still be taken.
    var rest: Int { max(0, byteCountMax - taken.load(ordering: .relaxed)) }

    /// Takes bytes; `false`, with no change, when that would pass the limit. One value alone may pass it.
    func take(_ byteCount: Int) -> Bool {
        var before = taken.load(ordering: .relaxed)
        while before == 0 || byteCount <= byteCountMax - min(byteCountMax, before) {
            let (isExchanged, original) = taken.weakCompareExchange(
                expected: before,
                desired: before + byteCount,
                ordering: .relaxed
            )
            if isExchanged { return true }
            before = original
        }
        return false
    }

    /// Gives bytes back.
    func give(_ byteCount: Int) { taken.subtract(byteCount, ordering: .relaxed) }
}
