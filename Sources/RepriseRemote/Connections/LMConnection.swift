internal import RepriseCore
public import RepriseWire

/// A blocking connection to a server that speaks `lm://`: a Reprise node or LMCache's own server.
///
/// It follows the conventions of LMCache's connector: one stream, no handshake, replies in the order of
/// requests, no reply to a `put`. Used by one thread at a time. After any failure but `invalidArgument` it is
/// closed, since its place in the stream is unknown; every later call throws `closed`, and the caller
/// connects anew.
///
/// - Source: docs/WIRE_LM.md.
public struct LMConnection: ~Copyable, Sendable {
    /// The dialect it speaks.
    public let dialect: LMDialect
    private var socket: StreamSocket
    private var replyHeader: TransferBuffer
    /// Whether requests say that a node asks another one for what that has itself.
    internal let isPeer: Bool

    /// Connects to a node.
    ///
    /// - Parameter asPeer: Whether a node asks another one: that answers from what it has itself. Only the
    ///   current dialect can say so.
    /// - Throws: ``RemoteError`` — `unreachable`, `refused`, `timedOut` or `system`.
    public init(
        connectingTo url: NodeURL,
        dialect: LMDialect = .current,
        timeouts: RemoteTimeouts = RemoteTimeouts(),
        asPeer: Bool = false
    ) throws(RemoteError) {
        do {
            let socket = try StreamSocket.connected(to: url, timeouts: timeouts)
            self.init(socket, dialect: dialect, isPeer: asPeer)
        } catch {
            throw RemoteError(error.code, "\(url): \(error.message)")
        }
    }

    /// Takes over a connected, blocking stream socket and closes it in the end.
    public init(adopting descriptor: Int32, dialect: LMDialect = .current) {
        self.init(StreamSocket(adopting: descriptor), dialect: dialect, isPeer: false)
    }

    private init(_ socket: consuming StreamSocket, dialect: LMDialect, isPeer: Bool) {
        self.isPeer = isPeer
        self.socket = socket
        self.dialect = dialect
        replyHeader = TransferBuffer(byteCapacity: dialect.replyHeaderByteCount)
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

    /// Receives the whole of an object.
    internal mutating func receive(into object: MemoryObject) throws(RemoteError) {
        try checkOpen()
        do {
            try socket.receive(object.byteCount, into: object, at: 0)
        } catch {
            close()
            throw error
        }
    }

    /// Encodes a request.
    ///
    /// - Throws: ``RemoteError`` with code `invalidArgument`; the connection stays as it is.
    internal func encode(
        _ command: LMCommand,
        _ key: StorageKey,
        _ metadata: MemoryObjectMetadata = .lmEmpty,
        byteCount: Int = 0
    ) throws(RemoteError) -> [UInt8] {
        let request: LMRequest
        do {
            request = try LMRequest(
                command,
                key: key,
                metadata: metadata,
                payloadByteCount: byteCount,
                isFromPeer: isPeer
            )
        } catch {
            throw RemoteError(.invalidArgument, error.message)
        }
        guard request.payloadAgreesWithShape || dialect == .v0 else {
            throw RemoteError(
                .invalidArgument,
                "\(byteCount) bytes are not the size of shape and element type"
            )
        }
        return request.encoded(dialect: dialect)
    }

    /// Sends a request's header and payload in one go.
    internal mutating func send(_ header: [UInt8], _ payload: RawSpan = RawSpan()) throws(RemoteError) {
        try checkOpen()
        do {
            try socket.send(header.rawSpan, payload)
        } catch {
            close()
            throw error
        }
    }

    /// Sends as much of `bytes` as is possible without blocking.
    internal mutating func trySend(_ bytes: RawSpan) throws(RemoteError) -> Int {
        try checkOpen()
        do {
            return try socket.trySend(bytes)
        } catch {
            close()
            throw error
        }
    }

    /// Makes the next bytes that arrive be acknowledged at once.
    internal func acknowledgeAtOnce() { socket.acknowledgeAtOnce() }

    /// Receives one reply's header.
    internal mutating func receiveHeader() throws(RemoteError) -> LMReplyHeader {
        try checkOpen()
        let byteCount = dialect.replyHeaderByteCount
        do {
            try socket.receive(byteCount, into: &replyHeader)
        } catch {
            close()
            throw error
        }
        do {
            return try LMReplyHeader.decode(replyHeader.prefix(byteCount), dialect: dialect)
        } catch {
            close()
            throw RemoteError(
                .protocolViolation,
                "the peer's answer is none in this dialect: \(error.message)"
            )
        }
    }

    /// Receives the payload that a reply's header announced, growing `buffer` if need be.
    ///
    /// - Throws: ``RemoteError``; `tooLarge` when the payload is larger than `limit`.
    internal mutating func receivePayload(
        _ header: LMReplyHeader,
        into buffer: inout TransferBuffer,
        limit: Int
    ) throws(RemoteError) {
        try checkOpen()
        guard header.payloadByteCount <= limit else {
            close()
            throw RemoteError(.tooLarge, "a reply of \(header.payloadByteCount) bytes; the limit is \(limit)")
        }
        buffer.reserve(header.payloadByteCount)
        do {
            try socket.receive(header.payloadByteCount, into: &buffer)
        } catch {
            close()
            throw error
        }
    }

    /// Closes the connection when a value's length is not the one that its shape asks for: who allocates by
    /// one and reads by the other would read past the end.
    internal mutating func checkShape(_ header: LMReplyHeader) throws(RemoteError) {
        guard !header.payloadAgreesWithShape, dialect != .v0 else { return }
        close()
        throw RemoteError(
            .protocolViolation,
            "a value of \(header.payloadByteCount) bytes with shape \(header.metadata.shape); wrong dialect?"
        )
    }

    /// Receives a reply that never carries a payload, and returns whether it says success.
    internal mutating func receiveAnswer() throws(RemoteError) -> Bool {
        let header = try receiveHeader()
        guard header.payloadByteCount == 0 else {
            close()
            throw RemoteError(
                .protocolViolation,
                "\(header.payloadByteCount) bytes of payload where none belongs; wrong dialect?"
            )
        }
        return header.code == .success
    }

    private func checkOpen() throws(RemoteError) {
        guard socket.isOpen else {
            throw RemoteError(.closed, "the connection was closed by an earlier failure; connect again")
        }
    }
}
