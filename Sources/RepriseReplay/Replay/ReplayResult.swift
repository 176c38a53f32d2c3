/// What a replay, or the part of it so far, has done and found.
public struct ReplayResult: Sendable {
    /// Requests replayed.
    public internal(set) var requestCount = 0
    /// Blocks asked for: the blocks of all requests.
    public internal(set) var blockReferenceCount = 0
    /// Blocks that the node had.
    public internal(set) var hitCount = 0
    /// Blocks sent to the node because it did not have them.
    public internal(set) var storedBlockCount = 0
    /// Requests whose last stored block was not there right after.
    public internal(set) var unkeptRequestCount = 0
    /// Blocks with at least one wrong byte.
    public internal(set) var wrongBlockCount = 0
    /// Bytes that were wrong, missing or too many.
    public internal(set) var wrongByteCount = 0
    /// Bytes of blocks read.
    public internal(set) var readByteCount = 0
    /// Bytes of blocks stored.
    public internal(set) var storedByteCount = 0
    /// For each request, from its first question until its last block was read and checked.
    public internal(set) var lookupLatencies = LatencyHistogram()
    /// For each request that stored blocks, from its first put until the node answered for the last one;
    /// making the blocks is not part of it.
    public internal(set) var storeLatencies = LatencyHistogram()
    /// The client's own work, in seconds: checking blocks (part of lookups) and making them (outside of
    /// stores).
    public internal(set) var clientSeconds = 0.0
    /// From the first request's start until the last one's end, in seconds.
    public internal(set) var wallSeconds = 0.0

    /// Hits among all blocks asked for; 0 if there were none.
    public var hitRate: Double {
        blockReferenceCount > 0 ? Double(hitCount) / Double(blockReferenceCount) : 0
    }

    internal init() {}
}
