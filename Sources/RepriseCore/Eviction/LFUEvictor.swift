/// Evicts the least frequently used entry first.
///
/// Order of the candidates: by frequency (1 for the insertion and 1 for each hit), lowest first; among equals
/// by when they reached that frequency, oldest first. Hits count also while an entry is suspended; it resumes
/// as the newest of its frequency. Frequencies never decay and end with the entry. Breaking a precondition
/// traps.
///
/// - Complexity: O(1), except that `firstCandidate` and `candidate(after:)` step over the frequencies in
///   between whose entries are all suspended.
public final class LFUEvictor: Evictor {
    private let order: FrequencyOrder

    /// Creates an evictor without entries.
    ///
    /// - Parameter expectedSlotCount: How many slots to take memory for at once, 12 bytes each; it grows
    ///   beyond.
    public init(expectedSlotCount: Int = 0) {
        order = FrequencyOrder(expectedSlotCount: expectedSlotCount)
    }

    /// Adds a new entry with frequency 1, as the newest of that frequency.
    public func insert(_ slot: EntrySlot) { order.insert(slot) }

    /// Raises an entry's frequency by one; a candidate becomes the newest of its new frequency.
    public func recordHit(_ slot: EntrySlot) { order.recordHit(slot) }

    /// Takes an entry out of the candidates; it keeps its frequency.
    public func suspend(_ slot: EntrySlot) { order.suspend(slot) }

    /// Makes a suspended entry a candidate again, the newest of its frequency.
    public func resume(_ slot: EntrySlot) { order.resume(slot) }

    /// Forgets an entry, candidate or suspended, and its frequency.
    public func remove(_ slot: EntrySlot) { order.remove(slot) }

    /// The oldest candidate of the lowest frequency.
    ///
    /// - Complexity: O(1 + lower frequencies whose entries are all suspended).
    public var firstCandidate: EntrySlot? { order.firstCandidate }

    /// The next candidate of the same frequency, else the oldest of the next higher one.
    ///
    /// - Complexity: O(1 + frequencies in between whose entries are all suspended).
    public func candidate(after slot: EntrySlot) -> EntrySlot? { order.candidate(after: slot) }

    /// Brings the entry's links closer.
    public func prefetch(_ slot: EntrySlot) { order.prefetch(slot) }
}
