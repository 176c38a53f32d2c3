public import RepriseCore
public import RepriseWire

/// A command that takes one key and can be pipelined.
internal enum RESPKeyCommand {
    case get, exists, remove

    /// The command's name.
    var word: [UInt8] {
        switch self {
        case .get: Array("GET".utf8)
        case .exists: Array("EXISTS".utf8)
        case .remove: Array("DEL".utf8)
        }
    }

    /// The command of RESP that does what one of lm does.
    init?(_ command: LMCommand) {
        switch command {
        case .get: self = .get
        case .exist: self = .exists
        case .remove: self = .remove
        default: return nil
        }
    }
}

extension RESPConnection {
    /// The most requests that a pipeline has unanswered at a time.
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
    ///   - onReply: Takes the key's index, whether it was a hit, and the payload, valid during the call. Not
    ///     called for a key that the server answered by an error.
    /// - Throws: ``RemoteError``; `invalidArgument` before anything is sent; `rejected`, with the first error
    ///   reply, after all replies were received.
    public mutating func pipeline(
        _ command: LMCommand,
        _ keys: [StorageKey],
        into buffer: inout TransferBuffer,
        limit: Int = LMLimits.payloadByteCountMax,
        onReply: (_ index: Int, _ isHit: Bool, _ payload: RawSpan) -> Void
    ) throws(RemoteError) {
        guard let command = RESPKeyCommand(command) else {
            preconditionFailure("\(command) cannot be pipelined")
        }
        for key in keys { try checkKey(key) }
        var requests = RESPPipelinedRequests(command.word, keys)
        var rejection: RemoteError?
        for index in keys.indices {
            try advance(&requests, answered: index)
            acknowledgeAtOnce()
            do throws(RemoteError) {
                if command == .get {
                    let byteCount = try receiveValue(into: &buffer, limit: limit)
                    onReply(index, byteCount != nil, buffer.prefix(byteCount ?? 0))
                } else {
                    onReply(index, try receiveFlag(), RawSpan())
                }
            } catch  where error.code == .rejected {
                rejection = rejection ?? error
            }
        }
        if let rejection { throw rejection }
    }

    /// Sends commands without waiting in between, and returns their replies in order, errors among them.
    ///
    /// As with ``pipeline(_:_:into:limit:onReply:)``, no server can be made to wait for ever.
    ///
    /// - Throws: ``RemoteError``, but not `rejected`.
    internal mutating func callAll(_ commands: [[[UInt8]]]) throws(RemoteError) -> [RESPValue] {
        var requests = RESPPipelinedRequests(commands)
        var replies: [RESPValue] = []
        replies.reserveCapacity(commands.count)
        for index in commands.indices {
            try advance(&requests, answered: index)
            do throws(RemoteError) {
                replies.append(try receiveAnswer())
            } catch  where error.code == .rejected {
                replies.append(.error(error.message))
            }
        }
        return replies
    }

    /// Stores values of one size that lie one behind the other, without waiting for each reply in between.
    ///
    /// As with ``pipeline(_:_:into:limit:onReply:)``, no server can be made to wait for ever.
    ///
    /// - Returns: How many of them the server has no room for (`OOM`).
    /// - Precondition: `payloads` has as many bytes as keys and size ask for.
    /// - Throws: ``RemoteError``; `rejected`, with the first error reply that is not `OOM`, after all replies
    ///   were received.
    public mutating func putAll(
        _ keys: [StorageKey],
        _ payloads: RawSpan,
        payloadByteCount: Int
    ) throws(RemoteError) -> Int {
        precondition(payloads.byteCount == keys.count * payloadByteCount, "keys and payloads do not match")
        for key in keys { try checkKey(key) }
        var replies = RESPPutReplies()
        for (index, key) in keys.enumerated() {
            let start = index * payloadByteCount
            let payload = payloads.extracting(start..<(start + payloadByteCount))
            try sendPut(key, payload, &replies)
            if replies.outstandingCount == RESPConnection.pipelineDepthMax { try receive(&replies) }
        }
        while replies.outstandingCount > 0 { try receive(&replies) }
        if let rejection = replies.rejection { throw rejection }
        return replies.noRoomCount
    }

    /// Sends one SET; receives outstanding replies instead of waiting for room in the socket.
    private mutating func sendPut(
        _ key: StorageKey,
        _ payload: RawSpan,
        _ replies: inout RESPPutReplies
    ) throws(RemoteError) {
        let leading = [RESPConnection.set, key.bytes]
        let command = RESPCommandEncoding.split(leading, payloadByteCount: payload.byteCount)
        let byteCount = command.head.count + payload.byteCount + command.tail.count
        var sentByteCount = 0
        while replies.outstandingCount > 0, sentByteCount < byteCount {
            let (head, tail) = (command.head.rawSpan, command.tail.rawSpan)
            let count = try trySend(head, payload, tail, from: sentByteCount)
            sentByteCount += count
            if count == 0 { try receive(&replies) }
        }
        try send(command.head.rawSpan, payload, command.tail.rawSpan, from: sentByteCount)
        replies.outstandingCount += 1
    }

    private mutating func receive(_ replies: inout RESPPutReplies) throws(RemoteError) {
        replies.outstandingCount -= 1
        do throws(RemoteError) {
            try receivePutReply()
        } catch  where error.isNoRoom {
            replies.noRoomCount += 1
        } catch  where error.code == .rejected {
            replies.rejection = replies.rejection ?? error
        }
    }

    /// Sends on until at least one request is unanswered, and more if the socket takes them at once.
    private mutating func advance(
        _ requests: inout RESPPipelinedRequests,
        answered: Int
    ) throws(RemoteError) {
        // Half of the depth at a time, so that requests leave in batches and not one by one.
        guard requests.sentCount - answered <= RESPConnection.pipelineDepthMax / 2 else { return }
        let end = requests.end(of: min(requests.count, answered + RESPConnection.pipelineDepthMax) - 1)
        let start = requests.sentByteCount
        guard start < end else { return }
        requests.advance(by: try trySend(requests.bytes.rawSpan.extracting(start..<end)))
        guard requests.sentCount == answered else { return }
        let rest = requests.sentByteCount..<requests.end(of: answered)
        try send(requests.bytes.rawSpan.extracting(rest))
        requests.advance(by: rest.count)
    }
}
