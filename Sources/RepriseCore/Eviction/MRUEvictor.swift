/// Evicts the most recently used entry first, for access patterns that scan in a circle.
///
/// Order of the candidates: by their last insertion, hit or resumption, newest first; a new entry is thus the
/// first to leave. An entry resumes as the most recent one, and a hit while it is suspended changes nothing.
/// All calls are O(1); breaking a precondition traps.
public final class MRUEvictor: Evictor {
    private let list: EvictionList

    /// Creates an evictor without entries.
    ///
    /// - Parameter expectedSlotCount: How many slots to take memory for at once, 8 bytes each; it grows
    ///   beyond.
    public init(expectedSlotCount: Int = 0) {
        list = EvictionList(expectedSlotCount: expectedSlotCount)
    }

    /// Adds a new entry as the most recent candidate, the first to leave.
    public func insert(_ slot: EntrySlot) { list.append(slot) }

    /// Makes a candidate the most recent one; a suspended entry stays as it is.
    public func recordHit(_ slot: EntrySlot) { list.moveToEnd(slot) }

    /// Takes an entry out of the candidates; its place is lost.
    public func suspend(_ slot: EntrySlot) { list.park(slot) }

    /// Makes a suspended entry the most recent candidate, the first to leave.
    public func resume(_ slot: EntrySlot) { list.unpark(slot) }

    /// Forgets an entry, candidate or suspended.
    public func remove(_ slot: EntrySlot) { list.remove(slot) }

    /// The most recently used candidate.
    public var firstCandidate: EntrySlot? { list.last }

    /// The candidate used last before `slot` was.
    public func candidate(after slot: EntrySlot) -> EntrySlot? { list.slot(before: slot) }

    /// Brings the entry's links closer.
    public func prefetch(_ slot: EntrySlot) { list.prefetch(slot) }
}
