/// Evicts the least recently used entry first.
///
/// Order of the candidates: by their last insertion, hit or resumption, oldest first. An entry in use counts
/// as used until its last release: it resumes at the most recent end, and a hit while it is suspended changes
/// nothing. All calls are O(1); breaking a precondition traps.
///
/// Batches record hits and end their uses from the tail of a prefix to its head, so that the head ends most
/// recent and prefixes are evicted from the tail.
public final class LRUEvictor: Evictor {
    private let list: EvictionList

    /// Creates an evictor without entries.
    ///
    /// - Parameter expectedSlotCount: How many slots to take memory for at once, 8 bytes each; it grows
    ///   beyond.
    public init(expectedSlotCount: Int = 0) {
        list = EvictionList(expectedSlotCount: expectedSlotCount)
    }

    /// Adds a new entry as the most recent candidate.
    public func insert(_ slot: EntrySlot) { list.append(slot) }

    /// Makes a candidate the most recent one; a suspended entry stays as it is.
    public func recordHit(_ slot: EntrySlot) { list.moveToEnd(slot) }

    /// Takes an entry out of the candidates; its place is lost.
    public func suspend(_ slot: EntrySlot) { list.park(slot) }

    /// Makes a suspended entry the most recent candidate.
    public func resume(_ slot: EntrySlot) { list.unpark(slot) }

    /// Forgets an entry, candidate or suspended.
    public func remove(_ slot: EntrySlot) { list.remove(slot) }

    /// The least recently used candidate.
    public var firstCandidate: EntrySlot? { list.first }

    /// The candidate used next after `slot` was.
    public func candidate(after slot: EntrySlot) -> EntrySlot? { list.slot(after: slot) }

    /// Brings the entry's links closer.
    public func prefetch(_ slot: EntrySlot) { list.prefetch(slot) }
}
