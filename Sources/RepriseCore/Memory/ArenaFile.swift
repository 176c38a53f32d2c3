/// The memory file that a pool's values lie in.
///
/// It is sealed against shrinking, growing and further seals, and can be opened by its owner only.
public struct ArenaFile: Hashable, Sendable {
    /// The pool's own descriptor, which lives as long as the pool; whoever keeps it duplicates it.
    public let descriptor: Int32
    /// Bytes of the file: what to map.
    public let byteCount: Int
}
