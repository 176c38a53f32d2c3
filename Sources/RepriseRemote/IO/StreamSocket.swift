internal import Glibc

/// One connected stream socket, blocking, closed when its owner goes.
internal struct StreamSocket: ~Copyable, Sendable {
    private(set) var descriptor: Int32

    /// The largest count given to one system call; Linux cuts transfers at 2 GiB - 4 KiB anyway. See
    /// write(2).
    private static let transferByteCountMax = 1 << 30

    /// Takes over a connected descriptor.
    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
    }

    /// Whether the socket can still be used.
    var isOpen: Bool { descriptor >= 0 }

    /// Closes the socket; a second call does nothing.
    mutating func close() {
        guard descriptor >= 0 else { return }
        // EINTR is not retried: on Linux the descriptor is free whatever close(2) returns.
        _ = Glibc.close(descriptor)
        descriptor = -1
    }

    /// Sends both parts completely, gathered, blocking.
    func send(_ head: RawSpan, _ body: RawSpan) throws(RemoteError) {
        var offset = 0
        while offset < head.byteCount + body.byteCount {
            offset += try sendOnce(head, body, from: offset, flags: Int32(MSG_NOSIGNAL)) ?? 0
        }
    }

    /// Sends as many bytes as the socket takes without blocking, perhaps none, and returns their count.
    func trySend(_ bytes: RawSpan) throws(RemoteError) -> Int {
        let nothing = RawSpan()
        return try sendOnce(bytes, nothing, from: 0, flags: Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) ?? 0
    }

    /// Sends once from `offset` in the concatenation of both parts; `nil` when a non-blocking send would
    /// block.
    private func sendOnce(
        _ head: RawSpan,
        _ body: RawSpan,
        from offset: Int,
        flags: Int32
    ) throws(RemoteError) -> Int? {
        let headOffset = min(offset, head.byteCount)
        let bodyOffset = offset - headOffset
        while true {
            // SAFETY: the vectors point into both views, from offsets within them, only during the call.
            let outcome = unsafe head.withUnsafeBytes { head in
                unsafe body.withUnsafeBytes { body in
                    let headRest = unsafe UnsafeRawBufferPointer(rebasing: head[headOffset...])
                    let bodyRest = unsafe UnsafeRawBufferPointer(rebasing: body[bodyOffset...])
                    return unsafe sendVectors(headRest, bodyRest, flags: flags)
                }
            }
            switch outcome {
            case 0...: return outcome
            case Int(-EINTR): continue
            case Int(-EAGAIN) where flags & Int32(MSG_DONTWAIT) != 0: return nil
            default: throw StreamSocket.error(Int32(-outcome), during: "send")
            }
        }
    }

    /// Returns the bytes sent, or the negated error number.
    private func sendVectors(
        _ head: UnsafeRawBufferPointer,
        _ body: UnsafeRawBufferPointer,
        flags: Int32
    ) -> Int {
        // SAFETY: sendmsg(2) only reads what the vectors point to, and vectors and message outlive the call.
        unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors in
            unsafe vectors.initializeElement(at: 0, to: StreamSocket.vector(head))
            unsafe vectors.initializeElement(at: 1, to: StreamSocket.vector(body))
            var message = unsafe msghdr()
            unsafe message.msg_iov = vectors.baseAddress
            unsafe message.msg_iovlen = vectors.count
            let sent = unsafe sendmsg(descriptor, &message, flags)
            return sent >= 0 ? sent : Int(-errno)
        }
    }

    private static func vector(_ bytes: UnsafeRawBufferPointer) -> iovec {
        // SAFETY: the vector is used for sending only, which does not write through it.
        unsafe iovec(
            iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
            iov_len: min(bytes.count, transferByteCountMax)
        )
    }

    /// Receives exactly `byteCount` bytes into the start of `buffer`, blocking.
    ///
    /// - Precondition: the buffer holds them.
    /// - Throws: ``RemoteError`` with code `closed` when the stream ends before; `timedOut`; `system`.
    func receive(_ byteCount: Int, into buffer: inout TransferBuffer) throws(RemoteError) {
        precondition(byteCount <= buffer.byteCapacity, "\(byteCount) bytes into \(buffer.byteCapacity)")
        var offset = 0
        while offset < byteCount {
            let count = min(byteCount - offset, StreamSocket.transferByteCountMax)
            // SAFETY: the bytes from `offset` on, `count` of them, lie within the buffer.
            let received = unsafe recv(descriptor, buffer.address(at: offset), count, Int32(MSG_WAITALL))
            let outcome = received >= 0 ? received : Int(-errno)
            switch outcome {
            case 1...: offset += outcome
            case 0:
                throw RemoteError(
                    .closed,
                    "the peer closed the connection after \(offset) of \(byteCount) bytes"
                )
            case Int(-EINTR): continue
            default: throw StreamSocket.error(Int32(-outcome), during: "receive")
            }
        }
    }

    /// The error that stands for an error number of a system call.
    static func error(_ number: Int32, during call: String) -> RemoteError {
        let text = SystemErrorText.of(number)
        return switch number {
        case EAGAIN, ETIMEDOUT, EINPROGRESS:
            RemoteError(.timedOut, "\(call): no progress within the time limit")
        case ECONNREFUSED, ENOENT: RemoteError(.refused, "\(call): \(text); is the node running there?")
        case EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN: RemoteError(.unreachable, "\(call): \(text)")
        case EPIPE, ECONNRESET, ECONNABORTED: RemoteError(.closed, "\(call): the peer closed the connection")
        default: RemoteError(.system, "\(call): \(text)")
        }
    }
}
