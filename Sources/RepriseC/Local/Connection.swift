internal import Glibc
internal import RepriseCore
internal import RepriseWire

// SAFETY, whole file: the number of the last request is touched by the one thread that uses the connection.

/// A connection to a node, after its hello, and the memory that came with it.
///
/// Used by one thread at a time. It is closed when nobody refers to it any more: as long as there are leases
/// of it, copies under way or views, the node keeps their memory, even when it has ended the connection
/// (docs/WIRE_LOCAL.md § 7).
final class Connection: Sendable {
    let stream: LocalStream
    let arena: ArenaMapping
    let welcome: LocalWelcome
    nonisolated(unsafe) private var lastIdentifier: UInt64
    /// Leases to be given back by whoever uses the connection.
    let releases = Lock(PendingReleases())

    private static let helloIdentifier: UInt64 = 1

    /// Says hello.
    ///
    /// - Parameter known: The memory that is mapped already, if it is the same.
    /// - Throws: `refused`, `protocolError`, `notConnected`, `timeout`, `system`.
    init(
        _ stream: LocalStream,
        session: [UInt8],
        known: ArenaMapping?,
        until deadline: ContinuousClock.Instant
    ) throws(CallError) {
        self.stream = stream
        unsafe lastIdentifier = Self.helloIdentifier
        try stream.send(
            LocalHello(session: session).encoded(identifier: Self.helloIdentifier),
            until: deadline
        )
        let (reply, descriptor) = try stream.receiveWelcome(until: deadline)
        defer { if descriptor >= 0 { _ = Glibc.close(descriptor) } }
        welcome = try Connection.welcome(reply)
        guard descriptor >= 0 else {
            throw CallError(.protocolError, "the node has answered without the descriptor of its memory")
        }
        if let known, known.isOf(descriptor), known.byteCount == welcome.arenaByteCount,
            known.isWritable == welcome.isWritable
        {
            arena = known
        } else {
            arena = try ArenaMapping(
                descriptor,
                byteCount: welcome.arenaByteCount,
                isWritable: welcome.isWritable
            )
        }
    }

    /// A number for the next request.
    func makeIdentifier() -> UInt64 {
        unsafe lastIdentifier += 1
        return unsafe lastIdentifier
    }

    /// Sends a request and receives its answer.
    ///
    /// - Throws: `protocolError` when the answer is another request's, `refused` when the node does not
    /// permit it.
    func exchange(
        _ message: [UInt8],
        _ operation: LocalOperation,
        until deadline: ContinuousClock.Instant
    ) throws(CallError) -> LocalReply {
        try stream.send(message, until: deadline)
        return try receive(operation, until: deadline)
    }

    /// Receives the answer of the request that was numbered last.
    func receive(
        _ operation: LocalOperation,
        until deadline: ContinuousClock.Instant
    ) throws(CallError) -> LocalReply {
        let reply = try stream.receiveMessage(until: deadline)
        try Connection.checkStatus(reply)
        guard reply.header.operation == operation, unsafe reply.header.identifier == lastIdentifier else {
            throw CallError(
                .protocolError,
                "the node has answered another request than the last one"
            )
        }
        return reply
    }

    private static func welcome(_ reply: LocalReply) throws(CallError) -> LocalWelcome {
        try checkStatus(reply)
        guard reply.header.operation == .hello, reply.header.identifier == helloIdentifier else {
            throw CallError(.protocolError, "the node has not answered the hello")
        }
        let welcome: LocalWelcome
        do throws(WireError) {
            welcome = try LocalWelcome(body: reply.body.rawSpan)
        } catch {
            throw CallError(.protocolError, "the node's welcome: \(error.message)")
        }
        guard welcome.major == LocalLimits.majorVersion else {
            throw CallError(
                .refused,
                "the node speaks version \(welcome.major) of the protocol, this library 1"
            )
        }
        return welcome
    }

    /// Throws for a status that concerns the whole connection.
    private static func checkStatus(_ reply: LocalReply) throws(CallError) {
        let text = String(decoding: reply.body.prefix(200), as: UTF8.self)
        switch reply.header.status {
        case .malformed: throw CallError(.protocolError, "the node does not understand this library: \(text)")
        case .wrongVersion: throw CallError(.refused, "the node speaks another version: \(text)")
        case .notPermitted: throw CallError(.refused, "the node does not permit it: \(text)")
        default: break
        }
    }
}

/// Leases that are to be given back over a connection that another thread may be using.
struct PendingReleases {
    /// Leases that callers hold.
    var leaseCount = 0
    /// Those that callers have given back, and the node does not know of yet.
    var identifiers: [UInt64] = []
}
