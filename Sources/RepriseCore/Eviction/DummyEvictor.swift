/// Never evicts: it has no candidate, whatever it is told.
///
/// A backend with this evictor refuses new entries when it is full. It keeps no state and checks nothing.
public final class DummyEvictor: Evictor {
    /// Creates an evictor.
    public init() {}

    /// Does nothing.
    public func insert(_ slot: EntrySlot) {}

    /// Does nothing.
    public func recordHit(_ slot: EntrySlot) {}

    /// Does nothing.
    public func suspend(_ slot: EntrySlot) {}

    /// Does nothing.
    public func resume(_ slot: EntrySlot) {}

    /// Does nothing.
    public func remove(_ slot: EntrySlot) {}

    /// Always `nil`.
    public var firstCandidate: EntrySlot? { nil }

    /// Always `nil`.
    public func candidate(after slot: EntrySlot) -> EntrySlot? { nil }
}
