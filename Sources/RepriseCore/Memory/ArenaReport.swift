/// What the system gave an arena, and what it refused.
public struct ArenaReport: Hashable, Sendable {
    /// Bytes that are backed by memory and handed to the allocator so far.
    public internal(set) var populatedByteCount = 0
    /// Bytes that lie in huge pages.
    public internal(set) var hugePageByteCount = 0
    /// Bytes that are locked in memory.
    public internal(set) var lockedByteCount = 0
    /// The error number of the first refused huge page, 0 for none; no further ones are asked for after it.
    public internal(set) var hugePageError: Int32 = 0
    /// The error number of the first refused memory lock, 0 for none.
    public internal(set) var lockError: Int32 = 0
    /// The error number of the first page that could not be provided, 0 for none; population stops there.
    public internal(set) var populationError: Int32 = 0
}
