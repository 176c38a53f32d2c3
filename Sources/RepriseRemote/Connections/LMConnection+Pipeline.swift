public import RepriseCore
public import RepriseWire

extension LMConnection {
    /// The most requests that ``pipeline(_:_:into:limit:onReply:)`` has unanswered at a time.
    public static let pipelineDepthMax = 64

    /// Sends the same command for every key without waiting in between, and hands out the replies in the
    /// keys' order.
    ///
    /// It cannot deadlock with a server that stops reading while its replies are not read: with a reply
    /// outstanding it sends only what the socket takes at once, and reads; without one the server has nothing
    /// left to send.
    ///
    /// - Parameters:
    ///   - command: `get`, `exist` or `remove`.
    ///   - buffer: Where each payload goes; it grows only when it is too small.
    ///   - limit: The most bytes of one payload; a larger one closes the connection.
    ///   - onReply: Takes the key's index, the reply or `nil` for a miss, and the payload, valid during the
    ///     call.
    /// - Throws: ``RemoteError``; `invalidArgument` before anything is sent.
    public mutating func pipeline(
        _ command: LMCommand,
        _ keys: [StorageKey],
        into buffer: inout TransferBuffer,
        limit: Int = LMLimits.payloadByteCountMax,
        onReply: (_ index: Int, _ reply: LMReplyHeader?, _ payload: RawSpan) -> Void
    ) throws(RemoteError) {
        precondition(
            command == .get || command == .exist || command == .remove,
            "\(command) cannot be pipelined"
        )
        var requests = try encodeAll(command, keys)
        for index in keys.indices {
            try advance(&requests, answered: index)
            acknowledgeAtOnce()
            let header = try receiveHeader()
            if header.code == .success {
                try checkShape(header)
                try receivePayload(header, into: &buffer, limit: limit)
                onReply(index, header, buffer.prefix(header.payloadByteCount))
            } else {
                onReply(index, nil, RawSpan())
            }
        }
    }

    /// Encoded requests of one length each, and how far they are sent.
    private struct PipelinedRequests {
        let bytes: [UInt8]
        let requestByteCount: Int
        var sentByteCount = 0

        var count: Int { bytes.count / requestByteCount }
        /// Requests sent to their last byte.
        var sentCount: Int { sentByteCount / requestByteCount }
    }

    private func encodeAll(_ command: LMCommand, _ keys: [StorageKey]) throws(RemoteError)
        -> PipelinedRequests
    {
        let requestByteCount = dialect.requestHeaderByteCount
        var bytes: [UInt8] = []
        bytes.reserveCapacity(keys.count * requestByteCount)
        for key in keys { bytes += try encode(command, key) }
        return PipelinedRequests(bytes: bytes, requestByteCount: requestByteCount)
    }

    /// Sends on until at least one request is unanswered, and more if the socket takes them at once.
    private mutating func advance(_ requests: inout PipelinedRequests, answered: Int) throws(RemoteError) {
        // Half of the depth at a time, so that requests leave in batches and not one by one.
        guard requests.sentCount - answered <= LMConnection.pipelineDepthMax / 2 else { return }
        let end = min(requests.count, answered + LMConnection.pipelineDepthMax) * requests.requestByteCount
        guard requests.sentByteCount < end else { return }
        let start = requests.sentByteCount
        requests.sentByteCount = start + (try trySend(requests.bytes.rawSpan.extracting(start..<end)))
        guard requests.sentCount == answered else { return }
        let rest = requests.sentByteCount..<((answered + 1) * requests.requestByteCount)
        try send([], requests.bytes.rawSpan.extracting(rest))
        requests.sentByteCount = rest.upperBound
    }
}
