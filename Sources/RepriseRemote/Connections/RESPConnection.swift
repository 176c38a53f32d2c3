internal import RepriseCore
public import RepriseWire

/// A blocking connection to a server that speaks RESP: a Reprise node, Redis or Valkey.
///
/// It asks for RESP 3 and takes RESP 2 where the server knows no better. Used by one thread at a time. An
/// error that the server answers with is `rejected` and leaves the connection as it was; so does
/// `invalidArgument`. After any other failure it is closed, since its place in the stream is unknown; every
/// later call throws `closed`, and the caller connects anew.
///
/// - Source: Redis serialization protocol specification, versions 2 and 3; the commands' reference pages.
public struct RESPConnection: ~Copyable, Sendable {
    /// The version of the protocol that the server agreed to: 3, or 2.
    public internal(set) var protocolVersion: Int
    private var socket: StreamSocket
    private var decoder: RESPReplyDecoder
    private var received: TransferBuffer
    /// The bytes in `received` that are not decoded yet.
    private var pending: Range<Int>

    /// What a receive asks for; small replies to a pipeline arrive many at a time.
    private static let receiveByteCount = 16 << 10
    /// The longest key that is sent, in bytes.
    public static let keyByteCountMax = 64 << 10
    /// The bytes that a buffer needs beyond the value that is received into it: the value's line end.
    public static let receiveMarginByteCount = 2

    /// Connects to a server, and says who the client is if the URL has credentials.
    ///
    /// - Precondition: the URL's protocol is RESP.
    /// - Throws: ``RemoteError`` — `unreachable`, `refused`, `timedOut` or `system`; `rejected` if the server
    ///   does not let the client in.
    public init(connectingTo url: NodeURL, timeouts: RemoteTimeouts = RemoteTimeouts()) throws(RemoteError) {
        precondition(url.wire == .resp, "\(url) is not spoken to over RESP")
        self = try RESPConnection.connected(to: url, timeouts)
    }

    private static func connected(
        to url: NodeURL,
        _ timeouts: RemoteTimeouts
    ) throws(RemoteError) -> RESPConnection {
        do {
            let socket = try StreamSocket.connected(to: url, timeouts: timeouts)
            var connection = RESPConnection(socket, RESPReplyLimits())
            try connection.greet(url.credentials)
            return connection
        } catch {
            throw RemoteError(error.code, "\(url): \(error.message)")
        }
    }

    /// Takes over a connected, blocking stream socket and closes it in the end; does not greet the server.
    public init(adopting descriptor: Int32, limits: RESPReplyLimits = RESPReplyLimits()) {
        self.init(StreamSocket(adopting: descriptor), limits)
    }

    private init(_ socket: consuming StreamSocket, _ limits: RESPReplyLimits) {
        self.socket = socket
        protocolVersion = 2
        pending = 0..<0
        decoder = RESPReplyDecoder(limits: limits)
        received = TransferBuffer(byteCapacity: RESPConnection.receiveByteCount)
    }

    /// Whether no failure has closed the connection yet; the peer may have closed it all the same.
    public var isOpen: Bool { socket.isOpen }

    /// Closes the connection.
    public mutating func close() { socket.close() }

    /// When calls give up, however much progress they make; `nil` for never.
    public var deadline: ContinuousClock.Instant? {
        get { socket.deadline }
        set { socket.deadline = newValue }
    }

    /// Receives a part of a payload that was announced.
    ///
    /// - Precondition: the payload has so many bytes left.
    internal mutating func takeBytes(_ byteCount: Int) throws(RemoteError) -> [UInt8] {
        try fill(byteCount)
        let end = pending.lowerBound + byteCount
        defer { pending = end..<pending.upperBound }
        return [UInt8](copying: received.prefix(end).extracting(pending.lowerBound..<end))
    }

    /// Receives a part of a payload that was announced straight to its place in an object.
    ///
    /// - Precondition: the payload has so many bytes left, and the object room for them.
    internal mutating func take(
        _ byteCount: Int,
        into object: MemoryObject,
        at offset: Int
    ) throws(RemoteError) {
        let present = min(pending.count, byteCount)
        let end = pending.lowerBound + present
        object.copy(from: received.prefix(end).extracting(pending.lowerBound..<end), at: offset)
        pending = end..<pending.upperBound
        do {
            try socket.receive(byteCount - present, into: object, at: offset + present)
        } catch {
            throw closing(error)
        }
    }

    /// Receives the end of a payload that was taken.
    internal mutating func endPayload() throws(RemoteError) {
        guard case .payloadEnd = try receiveStep(announcingPayload: false) else {
            throw violation("something else than a payload's end")
        }
    }

    /// Sends the parts of a command, completely; `start` bytes of them are sent already.
    internal mutating func send(
        _ head: RawSpan,
        _ payload: RawSpan = RawSpan(),
        _ tail: RawSpan = RawSpan(),
        from start: Int = 0
    ) throws(RemoteError) {
        try checkOpen()
        do {
            try socket.send(head, payload, tail, from: start)
        } catch {
            throw closing(error)
        }
    }

    /// Sends as much as is possible without blocking; `start` bytes of the parts are sent already.
    internal mutating func trySend(
        _ head: RawSpan,
        _ payload: RawSpan = RawSpan(),
        _ tail: RawSpan = RawSpan(),
        from start: Int = 0
    ) throws(RemoteError) -> Int {
        try checkOpen()
        do {
            return try socket.trySend(head, payload, tail, from: start)
        } catch {
            throw closing(error)
        }
    }

    /// Sends a command and receives its reply, parsed.
    ///
    /// - Throws: ``RemoteError``; `rejected` for an error reply.
    internal mutating func call(_ arguments: [[UInt8]]) throws(RemoteError) -> RESPValue {
        try send(RESPCommandEncoding.encode(arguments).rawSpan)
        return try receiveAnswer()
    }

    /// Receives one reply, parsed.
    ///
    /// - Throws: ``RemoteError``; `rejected` for an error reply.
    internal mutating func receiveAnswer() throws(RemoteError) -> RESPValue {
        switch try receiveStep(announcingPayload: false) {
        case .reply(.error(let text)): throw RemoteError(.rejected, text)
        case .reply(let value): return value
        case .needsBytes, .payload, .payloadEnd: throw violation("a payload that nobody asked for")
        }
    }

    /// Receives until there is a reply or a payload's announcement; drops what was sent unasked.
    internal mutating func receiveStep(
        announcingPayload: Bool
    ) throws(RemoteError) -> RESPReplyDecoder.Step {
        try checkOpen()
        while true {
            switch try decode(announcingPayload: announcingPayload) {
            case .needsBytes(let byteCount): try fill(byteCount)
            case .reply(.push): continue
            case let step: return step
            }
        }
    }

    /// Receives a payload that was announced, and its line end, straight to the start of `buffer`.
    internal mutating func receivePayload(
        _ byteCount: Int,
        into buffer: inout TransferBuffer,
        limit: Int
    ) throws(RemoteError) {
        guard byteCount <= limit else {
            close()
            throw RemoteError(.tooLarge, "a reply of \(byteCount) bytes; the limit is \(limit)")
        }
        let end = byteCount + RESPConnection.receiveMarginByteCount
        buffer.reserve(end)
        let present = min(pending.count, end)
        let start = pending.lowerBound
        buffer.copy(received.prefix(start + present).extracting(start..<(start + present)), at: 0)
        pending = (start + present)..<pending.upperBound
        do {
            try socket.receive(end - present, into: &buffer, at: present)
        } catch {
            throw closing(error)
        }
        try finishPayload(buffer.prefix(end).extracting(byteCount..<end))
    }

    private mutating func finishPayload(_ lineEnd: RawSpan) throws(RemoteError) {
        var offset = 0
        do throws(WireError) {
            _ = try decoder.decode(lineEnd, from: &offset)
        } catch {
            throw violation(error.message)
        }
    }

    private mutating func decode(announcingPayload: Bool) throws(RemoteError) -> RESPReplyDecoder.Step {
        var offset = pending.lowerBound
        defer { pending = offset..<pending.upperBound }
        do throws(WireError) {
            let end = pending.upperBound
            return try RESPConnection.decode(&decoder, received, end, &offset, announcingPayload)
        } catch {
            throw violation(error.message)
        }
    }

    // A function of its own, so that the decoder is changed while nothing else of the connection is.
    private static func decode(
        _ decoder: inout RESPReplyDecoder,
        _ received: borrowing TransferBuffer,
        _ end: Int,
        _ offset: inout Int,
        _ announcingPayload: Bool
    ) throws(WireError) -> RESPReplyDecoder.Step {
        try decoder.decode(received.prefix(end), from: &offset, announcingPayload: announcingPayload)
    }

    /// Receives until `byteCount` bytes are there, and whatever comes with them.
    private mutating func fill(_ byteCount: Int) throws(RemoteError) {
        if pending.lowerBound > 0 {
            received.moveToStart(pending)
            pending = 0..<pending.count
        }
        received.reserve(byteCount, keeping: pending.count)
        do {
            while pending.count < byteCount {
                let count = try socket.receiveSome(into: &received, at: pending.upperBound)
                pending = 0..<(pending.upperBound + count)
            }
        } catch {
            throw closing(error)
        }
    }

    /// Makes the next bytes that arrive be acknowledged at once, if they have to be waited for.
    internal func acknowledgeAtOnce() {
        if pending.isEmpty { socket.acknowledgeAtOnce() }
    }

    /// Closes the connection and says that the peer broke the protocol.
    internal mutating func violation(_ reason: String) -> RemoteError {
        closing(RemoteError(.protocolViolation, "the peer's answer is none in RESP: \(reason)"))
    }

    private mutating func closing(_ error: RemoteError) -> RemoteError {
        close()
        return error
    }

    internal func checkOpen() throws(RemoteError) {
        guard socket.isOpen else {
            throw RemoteError(.closed, "the connection was closed by an earlier failure; connect again")
        }
    }
}
