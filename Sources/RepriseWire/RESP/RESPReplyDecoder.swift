internal import RepriseCore

/// Reads a server's replies on the client's side of one connection, RESP 2 and 3 alike.
///
/// It keeps what is parsed of a reply under way, so that no byte is parsed twice however the bytes arrive,
/// but for a string's few header bytes. Attributes (`|`) are read and dropped. Streamed strings and
/// aggregates, which no server sends, are refused.
///
/// - Source: Redis serialization protocol specification, versions 2 and 3.
public struct RESPReplyDecoder: Sendable {
    /// What to do next.
    public enum Step: Hashable, Sendable {
        /// Wait until so many bytes from the offset on are there; then call again with all of them.
        case needsBytes(Int)
        /// A whole reply.
        case reply(RESPValue)
        /// So many bytes of a bulk string follow. Take them, past the decoder, and call again with what
        /// follows them; the step that comes of it is `payloadEnd`.
        case payload(byteCount: Int)
        /// The payload ended as it must; the reply is complete.
        case payloadEnd
    }

    /// The limits.
    public let limits: RESPReplyLimits
    internal var frames: [RESPReplyFrame] = []
    private var isBehindPayload = false
    /// Bytes from the offset on that hold no end of a line, known from an earlier call.
    internal var scannedByteCount = 0
    private var replyByteCount = 0
    private var elementCount = 0
    /// A value that is complete and belongs to no aggregate.
    private var finished: RESPValue?

    /// Creates a decoder for a new connection.
    public init(limits: RESPReplyLimits = RESPReplyLimits()) {
        self.limits = limits
    }

    /// Whether no reply is under way.
    public var isAtStart: Bool { frames.isEmpty && !isBehindPayload && scannedByteCount == 0 }

    /// Reads on at `offset`, which moves past what was consumed.
    ///
    /// Faults are found in the order of the bytes, so the outcome does not depend on how they arrive.
    ///
    /// - Parameters:
    ///   - bytes: Everything received and not yet consumed, from `offset` on; may go on beyond the reply.
    ///   - announcingPayload: Whether a bulk string that is a reply of its own is announced by its length,
    ///     so that it can be received where it belongs; otherwise it is parsed like all the rest.
    /// - Throws: ``WireError`` — `badReply`, `badLength` or `tooLarge`. The place in the stream is lost, and
    ///   the connection is to be closed.
    /// - Complexity: O(bytes).
    public mutating func decode(
        _ bytes: RawSpan,
        from offset: inout Int,
        announcingPayload: Bool = false
    ) throws(WireError) -> Step {
        if isBehindPayload { return try decodePayloadEnd(bytes, from: &offset) }
        while true {
            let start = offset
            let item = try nextItem(bytes, from: &offset, announcingPayload: announcingPayload)
            try checkReplyByteCount(offset - start)
            replyByteCount += offset - start
            scannedByteCount = offset > start ? 0 : scannedByteCount
            switch item {
            case .incomplete(let byteCount): return .needsBytes(byteCount)
            case .payload(let byteCount):
                isBehindPayload = true
                return .payload(byteCount: byteCount)
            case .aggregate(let kind, let count):
                try open(kind, count: count)
            case .value(let value):
                complete(value)
            }
            if let reply = takeReply() { return .reply(reply) }
        }
    }

    /// What lies at an offset.
    internal enum Item {
        case incomplete(needs: Int)
        case value(RESPValue)
        case aggregate(RESPReplyFrame.Kind, count: Int)
        case payload(byteCount: Int)
    }

    private mutating func takeReply() -> RESPValue? {
        guard let reply = finished else { return nil }
        finished = nil
        (replyByteCount, elementCount) = (0, 0)
        return reply
    }

    private mutating func decodePayloadEnd(
        _ bytes: RawSpan,
        from offset: inout Int
    ) throws(WireError) -> Step {
        guard bytes.byteCount - offset >= 2 else { return .needsBytes(2) }
        try checkLineEnd(bytes, at: offset)
        offset += 2
        isBehindPayload = false
        replyByteCount = 0
        return .payloadEnd
    }

    /// Begins an aggregate, or completes it at once when it is empty.
    private mutating func open(_ kind: RESPReplyFrame.Kind, count: Int) throws(WireError) {
        guard frames.count < limits.nestingDepthMax else {
            throw WireError(.tooLarge, "a reply nested deeper than \(limits.nestingDepthMax) levels")
        }
        guard kind != .push || frames.isEmpty else {
            throw WireError(.badReply, "a push within another reply")
        }
        // Halved, not doubled: the count comes from outside.
        guard count <= (limits.elementCountMax - elementCount) / kind.valuesPerElement else {
            throw WireError(.tooLarge, "a reply of more than \(limits.elementCountMax) values")
        }
        elementCount += count * kind.valuesPerElement
        let frame = RESPReplyFrame(kind: kind, remainingCount: count * kind.valuesPerElement)
        guard frame.remainingCount == 0 else { return frames.append(frame) }
        if let value = frame.value { complete(value) }
    }

    /// Puts a value into the aggregate it belongs to, and completes all that end with it.
    private mutating func complete(_ value: RESPValue) {
        var value = value
        while !frames.isEmpty {
            let last = frames.count - 1
            frames[last].values.append(value)
            frames[last].remainingCount -= 1
            guard frames[last].remainingCount == 0 else { return }
            // An attribute has no value: what it describes comes next, in its place.
            guard let outer = frames.removeLast().value else { return }
            value = outer
        }
        finished = value
    }

    /// Refuses what does not fit into what is left of the reply's limit.
    internal func checkReplyByteCount(_ byteCount: Int) throws(WireError) {
        guard byteCount <= limits.replyByteCountMax - replyByteCount else {
            throw WireError(.tooLarge, "a reply of more than \(limits.replyByteCountMax) bytes")
        }
    }
}
