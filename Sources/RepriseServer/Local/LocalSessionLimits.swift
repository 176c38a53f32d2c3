/// The named limits on what clients of the local protocol hold; see docs/WIRE_LOCAL.md § 2.
public struct LocalSessionLimits: Sendable {
    /// The part of the memory that a session's leases and kept lookups may hold: one over this. One value
    /// alone may pass it.
    public var leasedFractionDivisor = 4
    /// The part of the memory that the leases and kept lookups of all sessions may hold together: one over
    /// this. One value alone may pass it.
    public var leasedTogetherFractionDivisor = 2
    /// The part of the memory that a session's reservations may take: one over this. One value alone may pass
    /// it.
    public var reservedFractionDivisor = 8
    /// The most leases of one connection.
    public var leaseCountMax = 65_536
    /// The most reservations of one connection.
    public var reservationCountMax = 65_536
    /// The most lookups that a session keeps; a further one ends the oldest.
    public var keptLookupCountMax = 1024
    /// How long a lookup keeps values that nobody redeems.
    public var keepTimeMax: Duration = .seconds(30)
    /// The age from which on a lease no longer keeps its entry stored; its memory is not used for anything
    /// else before it is released, or the client is gone.
    public var leaseAgeMax: Duration = .seconds(300)
    /// The age from which on a reservation can no longer be committed, and no longer counts as reserved.
    public var reservationAgeMax: Duration = .seconds(60)

    /// Creates the default limits.
    public init() {}
}
