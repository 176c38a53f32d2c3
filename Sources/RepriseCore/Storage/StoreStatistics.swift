/// What a store holds and has done, counted under its lock.
public struct StoreStatistics: Hashable, Sendable {
    /// Stored values.
    public internal(set) var entryCount = 0
    /// Bytes of stored values, in whole units.
    public internal(set) var entryByteCount = 0
    /// Logical bytes of stored values.
    public internal(set) var payloadByteCount = 0
    /// Bytes of stored keys.
    public internal(set) var keyByteCount = 0
    /// Bytes of blocks that are reserved and neither committed nor given back, in whole units.
    public internal(set) var reservedByteCount = 0
    /// Bytes of index, entry table and allocator bookkeeping.
    public internal(set) var indexByteCount = 0
    /// Values stored, overwrites included.
    public internal(set) var putCount: UInt64 = 0
    /// Values brought in from the slower tier.
    public internal(set) var promotionCount: UInt64 = 0
    /// Lookups that found a value.
    public internal(set) var hitCount: UInt64 = 0
    /// Lookups that did not.
    public internal(set) var missCount: UInt64 = 0
    /// Values thrown out to make room.
    public internal(set) var evictionCount: UInt64 = 0
    /// Bytes thrown out to make room, in whole units.
    public internal(set) var evictedByteCount: UInt64 = 0
    /// Reservations that failed because everything that could make room is in use or pinned.
    public internal(set) var noRoomCount: UInt64 = 0
    /// Stored values that expire at some time.
    public internal(set) var expiringCount = 0
    /// Values that were removed because their time had come.
    public internal(set) var expiredCount: UInt64 = 0
}
