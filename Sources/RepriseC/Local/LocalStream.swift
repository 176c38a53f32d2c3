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
    /// How often an answer is asked for before the thread sleeps until it comes: about as long as a node that
    /// is awake needs for a short one, which is less than going to sleep and waking up takes.
    private static let spinCountMax = 40
    /// After answers that were asked for in vain, the most of them that are slept for at once.
    private static let sleepCountMax = 64

    let descriptor: Int32
    private let owner: UInt64
    /// Room for what comes, of which what lies from `start` to `end` was not taken yet.
    nonisolated(unsafe) private var buffer = [UInt8](repeating: 0, count: receivedByteCount)
    nonisolated(unsafe) private var (start, end) = (0, 0)
    /// How many answers are slept for at once, and how many of them are left.
    nonisolated(unsafe) private var (sleepCount, sleepsLeft) = (0, 0)

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
        let isEmpty = unsafe start == end
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
            makeRoom()
            try took(receive())
        }
    }

    /// Receives once: asks a few times, and then sleeps.
    private func receive() -> Int {
        let (offset, room) = unsafe (end, buffer.count - end)
        return unsafe buffer.withUnsafeMutableBytes { buffer -> Int in
            guard let base = buffer.baseAddress else { return 0 }
            if unsafe sleepsLeft == 0 {
                for _ in 0..<Self.spinCountMax {
                    let count = unsafe recv(descriptor, base + offset, room, Int32(MSG_DONTWAIT))
                    guard count < 0, errno == EAGAIN else {
                        unsafe sleepCount = 0
                        return count
                    }
                }
                unsafe sleepCount = min(Self.sleepCountMax, 2 * sleepCount + 1)
                unsafe sleepsLeft = sleepCount
            } else {
                unsafe sleepsLeft -= 1
            }
            return unsafe recv(descriptor, base + offset, room, 0)
        }
    }

    /// Makes room behind what has come: for the rest of a message that has begun, or for the next one.
    private func makeRoom() {
        if unsafe start > 0 {
            unsafe buffer.removeSubrange(0..<start)
            unsafe (start, end) = (0, end - start)
            unsafe buffer += [UInt8](repeating: 0, count: max(0, Self.receivedByteCount - buffer.count))
        }
        if unsafe end == buffer.count {
            unsafe buffer += [UInt8](repeating: 0, count: buffer.count)
        }
    }

    /// Receives the first message, and the descriptor that comes beside its first byte; -1 for none.
    func receiveWelcome(until deadline: ContinuousClock.Instant) throws(CallError) -> (LocalReply, Int32) {
        var descriptor: Int32 = -1
        do throws(CallError) {
            while true {
                if let reply = try takeMessage() { return (reply, descriptor) }
                makeRoom()
                var further: Int32 = -1
                let (offset, room) = unsafe (end, buffer.count - end)
                let count = unsafe buffer.withUnsafeMutableBytes { buffer in
                    unsafe reprise_receive_with_descriptor(
                        self.descriptor,
                        buffer.baseAddress.map { unsafe $0 + offset },
                        room,
                        &further
                    )
                }
                if further >= 0 {
                    if descriptor >= 0 { _ = Glibc.close(descriptor) }
                    descriptor = further
                }
                if count < 0 { errno = Int32(-count) }
                try took(Int(count))
                try LocalStream.check(deadline)
            }
        } catch {
            if descriptor >= 0 { _ = Glibc.close(descriptor) }
            throw error
        }
    }

    private func took(_ count: Int) throws(CallError) {
        guard count != 0 else { throw CallError(.notConnected, "the node has closed the connection") }
        if count < 0 {
            try LocalStream.check(errno, during: "receiving")
        } else {
            unsafe end += count
        }
    }

    /// Takes a message that has come completely.
    private func takeMessage() throws(CallError) -> LocalReply? {
        do throws(WireError) {
            let bytes = unsafe buffer
            let received = unsafe bytes.rawSpan.extracting(start..<end)
            guard let header = try LocalHeader.decode(received) else { return nil }
            guard received.byteCount >= header.messageByteCount else { return nil }
            let body = received.extracting(LocalLimits.headerByteCount..<header.messageByteCount)
            let reply = LocalReply(header: header, body: [UInt8](copying: body))
            unsafe start += header.messageByteCount
            if unsafe start == end { unsafe (start, end) = (0, 0) }
            return reply
        } catch {
            throw CallError(
                .protocolError,
                "the node's answer: \(error.message); is a node behind the socket?"
            )
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
        case EACCES, EPERM:
            throw CallError(.refused, "\(text); who may use the node is said by its socket's mode")
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
