/// What one kind of operation did in one phase.
public struct OperationResult: Sendable {
    /// The operation.
    public let operation: BenchOperation
    /// Gets and exists that found nothing, and puts that the node did not keep.
    public internal(set) var missCount = 0
    /// Bytes of values that were stored or fetched.
    public internal(set) var byteCount = 0
    /// Bytes of fetched values that were wrong, if they were compared.
    public internal(set) var wrongByteCount = 0
    /// The latency of each operation.
    public internal(set) var latencies = LatencyHistogram()

    internal init(_ operation: BenchOperation) { self.operation = operation }

    internal mutating func merge(_ other: OperationResult) {
        missCount += other.missCount
        byteCount += other.byteCount
        wrongByteCount += other.wrongByteCount
        latencies.merge(other.latencies)
    }
}

/// What one phase did, over all connections.
public struct PhaseResult: Sendable {
    /// From the moment when all connections started until the last one finished, in seconds.
    public let wallSeconds: Double
    /// One result for each kind of operation in the phase.
    public let operations: [OperationResult]
}
