/// One request of a trace: the blocks of its prompt.
///
/// - Source: the traces published with the Mooncake paper (Qin et al., FAST 2025).
public struct TraceRequest: Hashable, Sendable {
    /// When the request came, in milliseconds since the trace's start.
    public var timestampMilliseconds: Int
    /// The prompt's tokens.
    public var inputTokenCount: Int
    /// The answer's tokens.
    public var outputTokenCount: Int
    /// One id for each block of the prompt, in order; equal ids mean equal blocks after equal prefixes.
    public var blockIDs: [UInt64]

    /// Creates a request.
    public init(
        timestampMilliseconds: Int = 0,
        inputTokenCount: Int = 0,
        outputTokenCount: Int = 0,
        blockIDs: [UInt64]
    ) {
        self.timestampMilliseconds = timestampMilliseconds
        self.inputTokenCount = inputTokenCount
        self.outputTokenCount = outputTokenCount
        self.blockIDs = blockIDs
    }
}
