internal import CRepriseShims
internal import Glibc
internal import RepriseCore
internal import RepriseWire

// SAFETY, whole file: system calls read and write buffers of the lengths that they are given, which outlive
// the calls. What is received is touched by the one thread that uses the stream.

/// The socket to a node: blocking, with a limit on how long a transfer makes no progress.
///
/// Used by one thread at a time.
final class LocalStream: Sendable {
    /// The longest path of a Unix socket, its final zero not counted.
    static let pathByteCountMax = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1
    /// Bytes that are received at a time, unless more are missing.
    private static let receivedByteCount = 16 << 10

    let descriptor: Int32
    private let owner: UInt64
    /// What has come and was not taken yet.
    nonisolated(unsafe) private var received: [UInt8] = []

    /// Connects to a socket.
    ///
    /// - Throws: `notConnected` when nobody listens, `refused` without permission, `timeout`, `system`.
    init(_ path: [UInt8], limit: Duration, owner: UInt64) throws(CallError) {
        self.owner = owner
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw CallError(.system, "no socket: \(systemMessage(errno))") }
        Registry.shared.note(descriptor, of: owner)
        setTimeLimit(limit)
        try connect(path)
    }

    /// Takes over a connected socket.
    init(adopting descriptor: Int32, owner: UInt64) {
        self.descriptor = descriptor
        self.owner = owner
        Registry.shared.note(descriptor, of: owner)
    }

    deinit { if descriptor >= 0 { Registry.shared.close(descriptor, of: owner) } }

    /// Sets how long a transfer may make no progress.
    func setTimeLimit(_ limit: Duration) {
        let (seconds, attoseconds) = limit.components
        var time = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        // Zero means for ever. See socket(7).
        if time.tv_sec == 0 && time.tv_usec == 0 { time.tv_usec = 1 }
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            unsafe setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// Whether the other end has neither closed nor sent what nobody asked for; does not block.
    var isQuiet: Bool {
        var byte: UInt8 = 0
        let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        let isEmpty = unsafe received.isEmpty
        return count < 0 && errno == EAGAIN && isEmpty
    }

    /// Sends bytes completely.
    func send(_ bytes: [UInt8], until deadline: ContinuousClock.Instant) throws(CallError) {
        let outcome = unsafe bytes.withUnsafeBytes { bytes -> Result<Void, CallError> in
            do throws(CallError) {
                return .success(try unsafe send(bytes, until: deadline))
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    /// Sends bytes completely.
    func send(_ bytes: UnsafeRawBufferPointer, until deadline: ContinuousClock.Instant) throws(CallError) {
        var offset = 0
        while offset < bytes.count, let base = bytes.baseAddress {
            let sent = unsafe Glibc.send(
                descriptor,
                base + offset,
                bytes.count - offset,
                Int32(MSG_NOSIGNAL)
            )
            if sent >= 0 {
                offset += sent
            } else {
                try LocalStream.check(errno, during: "sending")
            }
            try LocalStream.check(deadline)
        }
    }

    /// Receives the next message.
    ///
    /// - Throws: `notConnected` at the stream's end, `timeout`, `protocolError` for what is no message.
    func receiveMessage(until deadline: ContinuousClock.Instant) throws(CallError) -> LocalReply {
        while true {
            if let reply = try takeMessage() { return reply }
            try LocalStream.check(deadline)
            var buffer = [UInt8](repeating: 0, count: Self.receivedByteCount)
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            try took(count, of: buffer)
        }
    }

    /// Receives the first message, and the descriptor that comes beside its first byte; -1 for none.
    func receiveWelcome(until deadline: ContinuousClock.Instant) throws(CallError) -> (LocalReply, Int32) {
        var descriptor: Int32 = -1
        do throws(CallError) {
            while true {
                if let reply = try takeMessage() { return (reply, descriptor) }
                var buffer = [UInt8](repeating: 0, count: Self.receivedByteCount)
                var further: Int32 = -1
                let count = unsafe reprise_receive_with_descriptor(
                    self.descriptor,
                    &buffer,
                    buffer.count,
                    &further
                )
                if further >= 0 {
                    if descriptor >= 0 { _ = Glibc.close(descriptor) }
                    descriptor = further
                }
                if count < 0 { errno = Int32(-count) }
                try took(Int(count), of: buffer)
                try LocalStream.check(deadline)
            }
        } catch {
            if descriptor >= 0 { _ = Glibc.close(descriptor) }
            throw error
        }
    }

    private func took(_ count: Int, of buffer: [UInt8]) throws(CallError) {
        guard count != 0 else { throw CallError(.notConnected, "the node has closed the connection") }
        if count < 0 {
            try LocalStream.check(errno, during: "receiving")
        } else {
            unsafe received.append(contentsOf: buffer[..<count])
        }
    }

    /// Takes a message that has come completely.
    private func takeMessage() throws(CallError) -> LocalReply? {
        do throws(WireError) {
            let received = unsafe received
            guard let header = try LocalHeader.decode(received.rawSpan) else { return nil }
            guard received.count >= header.messageByteCount else { return nil }
            let body = Array(received[LocalLimits.headerByteCount..<header.messageByteCount])
            unsafe self.received = Array(received.dropFirst(header.messageByteCount))
            return LocalReply(header: header, body: body)
        } catch {
            throw CallError(.protocolError, "the answer: \(error.message); is a node behind the socket?")
        }
    }

    private func connect(_ path: [UInt8]) throws(CallError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.count <= Self.pathByteCountMax else {
            throw CallError(
                .invalidArgument,
                "a socket's path of \(path.count) bytes; it can have \(Self.pathByteCountMax)"
            )
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let byteCount = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe Glibc.connect(descriptor, pointer, byteCount)
            }
        }
        guard status != 0 else { return }
        let number = errno
        let text = "\(String(decoding: path, as: UTF8.self)): \(systemMessage(number))"
        switch number {
        case EACCES, EPERM: throw CallError(.refused, "\(text); the socket's mode says who may")
        case EAGAIN, EINPROGRESS: throw CallError(.timeout, "\(text); the node does not accept connections")
        // A signal's handler has run; the attempt is as good as failed, and the next one may succeed.
        default: throw CallError(.notConnected, "\(text); is the node running there?")
        }
    }

    /// Throws unless the call is to be tried again.
    private static func check(_ number: Int32, during call: StaticString) throws(CallError) {
        switch number {
        case EINTR: return
        case EAGAIN, ETIMEDOUT: throw timedOut
        case EPIPE, ECONNRESET: throw CallError(.notConnected, "the node has closed the connection")
        default: throw CallError(.notConnected, "\(call): \(systemMessage(number))")
        }
    }

    private static func check(_ deadline: ContinuousClock.Instant) throws(CallError) {
        if ContinuousClock.now >= deadline { throw timedOut }
    }

    private static let timedOut = CallError(.timeout, "the node did not answer in time; see timeout_ms")
}

/// A node's answer.
struct LocalReply: Sendable {
    let header: LocalHeader
    let body: [UInt8]
}
