/// Evicts the entry that was stored first, whether it is used or not.
///
/// Order of the candidates: by insertion, oldest first. Hits, suspension and resumption do not change it:
/// suspended entries keep their place and are skipped. Breaking a precondition traps.
///
/// - Complexity: O(1), except that `firstCandidate` and `candidate(after:)` step over the suspended entries
///   that stand before the one they return.
public final class FIFOEvictor: Evictor {
    private let list: EvictionList
    private let isSuspended: SlotArray<Bool>

    /// Creates an evictor without entries.
    ///
    /// - Parameter expectedSlotCount: How many slots to take memory for at once, 9 bytes each; it grows
    ///   beyond.
    public init(expectedSlotCount: Int = 0) {
        list = EvictionList(expectedSlotCount: expectedSlotCount)
        isSuspended = SlotArray(reserving: expectedSlotCount)
    }

    /// Adds a new entry behind all others.
    public func insert(_ slot: EntrySlot) {
        list.append(slot)
        isSuspended.extend(toCount: Int(slot) + 1, repeating: false)
    }

    /// Changes nothing: the order is that of insertion.
    public func recordHit(_ slot: EntrySlot) {
        precondition(list.contains(slot), "entry \(slot) is not in the evictor")
    }

    /// Lets an entry be skipped, in its place.
    public func suspend(_ slot: EntrySlot) {
        precondition(list.contains(slot) && !isSuspended[Int(slot)], "entry \(slot) is not a candidate")
        isSuspended[Int(slot)] = true
    }

    /// Makes a suspended entry a candidate again, in the place it always had.
    public func resume(_ slot: EntrySlot) {
        precondition(list.contains(slot) && isSuspended[Int(slot)], "entry \(slot) is not suspended")
        isSuspended[Int(slot)] = false
    }

    /// Forgets an entry, candidate or suspended.
    public func remove(_ slot: EntrySlot) {
        list.remove(slot)
        isSuspended[Int(slot)] = false
    }

    /// The candidate stored first.
    ///
    /// - Complexity: O(1 + suspended entries stored before it).
    public var firstCandidate: EntrySlot? { candidate(from: list.first) }

    /// The candidate stored next after `slot`.
    ///
    /// - Complexity: O(1 + suspended entries in between).
    public func candidate(after slot: EntrySlot) -> EntrySlot? {
        precondition(list.contains(slot) && !isSuspended[Int(slot)], "entry \(slot) is not a candidate")
        return candidate(from: list.slot(after: slot))
    }

    /// Brings the entry's links closer.
    public func prefetch(_ slot: EntrySlot) { list.prefetch(slot) }

    private func candidate(from start: EntrySlot?) -> EntrySlot? {
        var current = start
        while let slot = current, isSuspended[Int(slot)] { current = list.slot(after: slot) }
        return current
    }
}
