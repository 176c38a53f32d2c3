/// Whether a put can be admitted.
public enum PutStatus: Int, Hashable, Sendable {
    /// The value fits, if need be after evictions.
    case legal = 1
    /// The value is larger than the whole capacity; nothing was changed.
    case illegal = 2
    /// The value would fit, but not enough may be evicted now, because entries are in use or pinned; nothing
    /// was changed. Not a status of LMCache, whose evictor throws everything out and then fails.
    case noRoom = 3
}
