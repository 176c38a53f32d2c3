internal import Glibc
internal import RepriseCore

/// One connected stream socket, blocking, closed when its owner goes.
internal struct StreamSocket: ~Copyable, Sendable {
    private(set) var descriptor: Int32
    /// When sending and receiving give up, however much progress they make; `nil` for never.
    var deadline: ContinuousClock.Instant?

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

    /// Sends all parts completely, gathered, blocking.
    ///
    /// - Parameter start: How many bytes of them, counted through, are sent already.
    func send(
        _ head: RawSpan,
        _ body: RawSpan,
        _ tail: RawSpan = RawSpan(),
        from start: Int = 0
    ) throws(RemoteError) {
        var offset = start
        while offset < head.byteCount + body.byteCount + tail.byteCount {
            offset += try sendOnce(head, body, tail, from: offset, flags: Int32(MSG_NOSIGNAL)) ?? 0
        }
    }

    /// Sends as many bytes as the socket takes without blocking, perhaps none, and returns their count.
    ///
    /// - Parameter start: How many bytes of the parts, counted through, are sent already.
    func trySend(
        _ head: RawSpan,
        _ body: RawSpan = RawSpan(),
        _ tail: RawSpan = RawSpan(),
        from start: Int = 0
    ) throws(RemoteError) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return try sendOnce(head, body, tail, from: start, flags: flags) ?? 0
    }

    /// Sends once from `offset` in the concatenation of all parts; `nil` when a non-blocking send would
    /// block.
    private func sendOnce(
        _ head: RawSpan,
        _ body: RawSpan,
        _ tail: RawSpan,
        from offset: Int,
        flags: Int32
    ) throws(RemoteError) -> Int? {
        let headOffset = min(offset, head.byteCount)
        let bodyOffset = min(offset - headOffset, body.byteCount)
        let tailOffset = offset - headOffset - bodyOffset
        let headRest = head.extracting(headOffset..<head.byteCount)
        let bodyRest = body.extracting(bodyOffset..<body.byteCount)
        let tailRest = tail.extracting(tailOffset..<tail.byteCount)
        while true {
            try checkDeadline()
            // SAFETY: the vectors point into the views, which live during the call.
            let outcome = unsafe headRest.withUnsafeBytes { head in
                unsafe bodyRest.withUnsafeBytes { body in
                    unsafe tailRest.withUnsafeBytes { tail in unsafe sendVectors(head, body, tail, flags) }
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
        _ tail: UnsafeRawBufferPointer,
        _ flags: Int32
    ) -> Int {
        // SAFETY: sendmsg(2) only reads what the vectors point to, and vectors and message outlive the call.
        unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: 3) { vectors in
            unsafe vectors.initializeElement(at: 0, to: StreamSocket.vector(head))
            unsafe vectors.initializeElement(at: 1, to: StreamSocket.vector(body))
            unsafe vectors.initializeElement(at: 2, to: StreamSocket.vector(tail))
            var message = unsafe msghdr()
            unsafe message.msg_iov = vectors.baseAddress
            // A body that is cut at the largest count must not be followed by the tail.
            unsafe message.msg_iovlen = body.count > StreamSocket.transferByteCountMax ? 2 : 3
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

    /// Receives exactly `byteCount` bytes into `buffer`, from `start` on, blocking.
    ///
    /// - Precondition: the buffer holds them there.
    /// - Throws: ``RemoteError`` with code `closed` when the stream ends before; `timedOut`; `system`.
    func receive(
        _ byteCount: Int,
        into buffer: inout TransferBuffer,
        at start: Int = 0
    ) throws(RemoteError) {
        let end = start + byteCount
        precondition(start >= 0 && end <= buffer.byteCapacity, "\(end) bytes into \(buffer.byteCapacity)")
        // SAFETY: the buffer holds as many bytes there.
        try unsafe receiveAll(byteCount, at: buffer.address(at: start))
    }

    /// Receives what is there, at least one byte and at most what `buffer` holds from `start` on, blocking;
    /// returns the count.
    ///
    /// - Precondition: the buffer holds a byte there.
    /// - Throws: ``RemoteError`` with code `closed` when the stream ends; `timedOut`; `system`.
    func receiveSome(into buffer: inout TransferBuffer, at start: Int) throws(RemoteError) -> Int {
        precondition(start >= 0 && start < buffer.byteCapacity, "offset \(start) of \(buffer.byteCapacity)")
        let count = min(buffer.byteCapacity - start, StreamSocket.transferByteCountMax)
        let received = try receiveOnce(count, into: &buffer, at: start, flags: 0)
        guard received > 0 else {
            throw RemoteError(.closed, "the peer closed the connection before its reply was complete")
        }
        return received
    }

    /// Receives once; returns 0 at the stream's end.
    private func receiveOnce(
        _ count: Int,
        into buffer: inout TransferBuffer,
        at offset: Int,
        flags: Int32
    ) throws(RemoteError) -> Int {
        // SAFETY: the callers check that `count` bytes from `offset` on lie within the buffer.
        try unsafe receiveOnce(count, at: buffer.address(at: offset), flags: flags)
    }

    /// Receives exactly `byteCount` bytes into an object, from `start` on, blocking.
    ///
    /// - Precondition: the object holds them there.
    /// - Throws: As for a buffer.
    func receive(
        _ byteCount: Int,
        into object: MemoryObject,
        at start: Int
    ) throws(RemoteError) {
        precondition(start >= 0 && byteCount <= object.byteCount - start, "past the object's end")
        // SAFETY: the caller holds the object, and nobody else knows it yet; the bounds were checked.
        guard byteCount > 0, let base = unsafe object.mutableBytes.baseAddress else { return }
        try unsafe receiveAll(byteCount, at: base + start)
    }

    private func receiveAll(_ byteCount: Int, at address: UnsafeMutableRawPointer) throws(RemoteError) {
        var offset = 0
        while offset < byteCount {
            let count = min(byteCount - offset, StreamSocket.transferByteCountMax)
            // SAFETY: the callers own `byteCount` bytes at the address.
            let received = try unsafe receiveOnce(count, at: address + offset, flags: Int32(MSG_WAITALL))
            guard received > 0 else {
                throw RemoteError(
                    .closed,
                    "the peer closed the connection after \(offset) of \(byteCount) bytes"
                )
            }
            offset += received
        }
    }

    /// Receives once to an address; returns 0 at the stream's end.
    private func receiveOnce(
        _ count: Int,
        at address: UnsafeMutableRawPointer,
        flags: Int32
    ) throws(RemoteError) -> Int {
        while true {
            try checkDeadline()
            // SAFETY: the callers own `count` bytes at the address.
            let received = unsafe recv(descriptor, address, count, flags)
            guard received < 0 else { return received }
            let number = errno
            guard number == EINTR else { throw StreamSocket.error(number, during: "receive") }
        }
    }

    private func checkDeadline() throws(RemoteError) {
        guard let deadline, ContinuousClock.now >= deadline else { return }
        throw RemoteError(.timedOut, "the whole call has taken longer than its time limit")
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
