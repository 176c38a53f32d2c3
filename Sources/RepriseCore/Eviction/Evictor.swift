/// The place of an entry in a backend's tables; dense, from 0, reused after removal.
public typealias EntrySlot = UInt32

/// Decides the order in which the entries of one backend leave it.
///
/// An evictor knows slots, not keys or bytes: the backend maps them. It is confined to the backend's lock, so
/// it needs none of its own. Every entry is in one of two states: a *candidate* for eviction, or *suspended*
/// while it is in use or pinned. Breaking a precondition traps, except in ``DummyEvictor``, which keeps no
/// state.
///
/// The backend calls ``insert(_:)`` when a value is committed, ``recordHit(_:)`` for every use,
/// ``suspend(_:)`` for the first user or pin, ``resume(_:)`` after the last, and ``remove(_:)`` on removal
/// and eviction; an overwritten entry is removed and inserted anew. Uses of a prefix are recorded and ended
/// from its tail to its head.
///
/// All calls are O(1), except where an evictor says otherwise; links live in one array indexed by slot.
public protocol Evictor: AnyObject {
    /// Adds a new entry, as a candidate, at the position of an entry just stored.
    ///
    /// - Precondition: `slot` is not in the evictor.
    func insert(_ slot: EntrySlot)

    /// Notes that an entry was used; its state does not change.
    ///
    /// - Precondition: `slot` is in the evictor.
    func recordHit(_ slot: EntrySlot)

    /// Takes an entry out of the candidates, because it is in use or pinned.
    ///
    /// - Precondition: `slot` is a candidate.
    func suspend(_ slot: EntrySlot)

    /// Makes an entry a candidate again, after its last use or pin ended.
    ///
    /// - Precondition: `slot` is suspended.
    func resume(_ slot: EntrySlot)

    /// Forgets an entry, candidate or suspended.
    ///
    /// - Precondition: `slot` is in the evictor.
    func remove(_ slot: EntrySlot)

    /// The candidate to evict first, or `nil` when there is none.
    var firstCandidate: EntrySlot? { get }

    /// The candidate to evict after `slot`, or `nil` at the end.
    ///
    /// - Precondition: `slot` is a candidate.
    func candidate(after slot: EntrySlot) -> EntrySlot?

    /// A hint that the candidate after `slot` will be asked for soon; changes nothing.
    ///
    /// - Precondition: `slot` is a candidate.
    func prefetch(_ slot: EntrySlot)
}

extension Evictor {
    /// Does nothing, for evictors that have nothing to bring closer.
    public func prefetch(_ slot: EntrySlot) {}
}
