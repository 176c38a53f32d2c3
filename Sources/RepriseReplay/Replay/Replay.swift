internal import RepriseCore
public import RepriseRemote
internal import RepriseWire

/// Replays a trace against a node as an engine would use it: each request looks up, reads and checks all of
/// its blocks, and then stores those that were missing.
public struct Replay: ~Copyable {
    private static let progressIntervalNanoseconds: UInt64 = 200_000_000
    /// How many bytes of blocks are made ahead of storing them; at least one block is.
    private static let batchByteCountMax = 64 << 20

    private let configuration: ReplayConfiguration
    private var connection: NodeConnection
    private var received: TransferBuffer
    private var made: TransferBuffer
    private var result = ReplayResult()

    /// Connects to the node.
    ///
    /// - Precondition: ``ReplayConfiguration/problem`` is `nil`.
    /// - Throws: ``RemoteError``.
    public init(_ configuration: ReplayConfiguration) throws(RemoteError) {
        precondition(configuration.problem == nil, configuration.problem ?? "")
        self.configuration = configuration
        connection = try NodeConnection(
            connectingTo: configuration.url,
            dialect: configuration.dialect,
            timeouts: configuration.timeouts
        )
        received = TransferBuffer(
            byteCapacity: configuration.blockByteCount + NodeConnection.receiveMarginByteCount
        )
        made = TransferBuffer(byteCapacity: max(configuration.blockByteCount, Replay.batchByteCountMax))
        received.populate()
        made.populate()
    }

    /// Replays all requests, one after another without pauses, and returns what was found.
    ///
    /// Wrong bytes are counted and do not end the replay.
    ///
    /// - Parameter onProgress: Called about five times a second.
    /// - Throws: ``RemoteError`` — `invalidArgument` if the key prefix makes keys that cannot be sent.
    public consuming func run(
        _ requests: [TraceRequest],
        onProgress: ((ReplayResult) -> Void)? = nil
    ) throws(RemoteError) -> ReplayResult {
        let start = MonotonicTime.nanoseconds()
        var reported = start
        for request in requests {
            let missing = try lookUp(request.blockIDs)
            try store(missing)
            let now = MonotonicTime.nanoseconds()
            result.requestCount += 1
            result.wallSeconds = Double(now - start) / 1e9
            guard let onProgress, now - reported >= Replay.progressIntervalNanoseconds else { continue }
            reported = now
            onProgress(result)
        }
        return result
    }

    /// Reads and checks the blocks that the node has, and returns the ids of the others, each once, in order.
    private mutating func lookUp(_ blockIDs: [UInt64]) throws(RemoteError) -> [UInt64] {
        let configuration = configuration
        let keys = blockIDs.map { configuration.key(of: $0) }
        let byteCount = configuration.blockByteCount
        var (found, missing) = (result, [UInt64]())
        let start = MonotonicTime.nanoseconds()
        try connection.pipeline(.get, keys, into: &received) { index, isHit, payload in
            guard isHit else { return missing.append(blockIDs[index]) }
            let checkStart = MonotonicTime.nanoseconds()
            let wrongByteCount = BlockContent(id: blockIDs[index], byteCount: byteCount).wrongByteCount(
                in: payload
            )
            found.clientSeconds += Double(MonotonicTime.nanoseconds() - checkStart) / 1e9
            found.hitCount += 1
            found.readByteCount += payload.byteCount
            found.wrongByteCount += wrongByteCount
            found.wrongBlockCount += wrongByteCount > 0 ? 1 : 0
        }
        found.lookupLatencies.record(nanoseconds: MonotonicTime.nanoseconds() - start)
        found.blockReferenceCount += blockIDs.count
        result = found
        var seen: Set<UInt64> = []
        return missing.filter { seen.insert($0).inserted }
    }

    /// Stores blocks in order, and asks for the last one, which the node answers after it has taken them all.
    private mutating func store(_ blockIDs: [UInt64]) throws(RemoteError) {
        guard let last = blockIDs.last else { return }
        let byteCount = configuration.blockByteCount
        let batchCount = made.byteCapacity / byteCount
        var nanoseconds: UInt64 = 0
        for batchStart in stride(from: 0, to: blockIDs.count, by: batchCount) {
            let batch = blockIDs[batchStart..<min(batchStart + batchCount, blockIDs.count)]
            make(batch)
            let start = MonotonicTime.nanoseconds()
            try Replay.store(batch, configuration, from: made, over: &connection)
            nanoseconds += MonotonicTime.nanoseconds() - start
        }
        let start = MonotonicTime.nanoseconds()
        let isKept = try connection.exists(configuration.key(of: last))
        result.storeLatencies.record(nanoseconds: nanoseconds + MonotonicTime.nanoseconds() - start)
        result.unkeptRequestCount += isKept ? 0 : 1
        result.storedBlockCount += blockIDs.count
        result.storedByteCount += blockIDs.count * byteCount
    }

    /// Stores blocks that lie in `made` one behind the other.
    private static func store(
        _ blockIDs: ArraySlice<UInt64>,
        _ configuration: ReplayConfiguration,
        from made: borrowing TransferBuffer,
        over connection: inout NodeConnection
    ) throws(RemoteError) {
        let byteCount = configuration.blockByteCount
        let keys = blockIDs.map { configuration.key(of: $0) }
        try connection.putAll(keys, made.prefix(keys.count * byteCount), payloadByteCount: byteCount)
    }

    /// Makes the contents of blocks, one behind the other.
    private mutating func make(_ blockIDs: ArraySlice<UInt64>) {
        let byteCount = configuration.blockByteCount
        let start = MonotonicTime.nanoseconds()
        for (index, id) in blockIDs.enumerated() {
            BlockContent(id: id, byteCount: byteCount).fill(&made, at: index * byteCount)
        }
        result.clientSeconds += Double(MonotonicTime.nanoseconds() - start) / 1e9
    }
}
