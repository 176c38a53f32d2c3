internal import Synchronization

/// How many connections have had something to do a moment ago, counted over all reactors.
///
/// Time is cut into slots of about a millisecond; a connection counts once in each slot in which it is
/// active. Thread-safe, without a lock.
final class ActivityMeter: Sendable {
    /// The slot, how many were active in the one before, and how many in it so far.
    private struct Window {
        static let countMax: UInt64 = 0xFFF
        var slot: UInt64
        var before: UInt64
        var now: UInt64

        init(packed: UInt64) {
            slot = packed >> 24
            before = packed >> 12 & Self.countMax
            now = packed & Self.countMax
        }

        var packed: UInt64 { slot << 24 | min(before, Self.countMax) << 12 | min(now, Self.countMax) }

        /// Moves on to a slot.
        mutating func advance(to next: UInt64) {
            guard next > slot else { return }
            (before, now) = (next == slot + 1 ? now : 0, 0)
            slot = next
        }
    }

    private static let slotShift: UInt64 = 20
    private let window = Atomic<UInt64>(0)

    /// The slot of this moment.
    static var currentSlot: UInt64 { Nanoseconds.now >> slotShift }

    /// Counts a connection that was not active in this slot yet.
    func count(in slot: UInt64) {
        var packed = window.load(ordering: .relaxed)
        while true {
            var next = Window(packed: packed)
            next.advance(to: slot)
            next.now += 1
            let (isExchanged, original) = window.weakCompareExchange(
                expected: packed,
                desired: next.packed,
                ordering: .relaxed
            )
            if isExchanged { return }
            packed = original
        }
    }

    /// How many connections are active: in this slot or the one before, whichever are more.
    var activeCount: Int {
        var window = Window(packed: window.load(ordering: .relaxed))
        window.advance(to: Self.currentSlot)
        return Int(max(window.before, window.now))
    }
}
