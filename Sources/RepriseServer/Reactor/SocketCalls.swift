package import Glibc

// SAFETY, whole file: the kernel touches only what the given buffers and vectors span, during the call.

/// What a non-blocking transfer came to.
package enum TransferResult: Hashable, Sendable {
    /// So many bytes were moved, at least one.
    case moved(Int)
    /// Nothing can be moved now.
    case wouldBlock
    /// The peer has closed its side.
    case ended
    /// The transfer failed with this error number.
    case failed(Int32)
}

/// The seam between the reactor and the kernel: what a test replaces to make transfers fail, tear or stall.
package protocol SocketCalls: Sendable {
    /// Receives into `buffer`, which is not empty. The corresponding C function is `recv`.
    func receive(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> TransferResult

    /// Sends from `vectors`, which are not empty, and raises no signal. The corresponding C function is
    /// `sendmsg`.
    func send(_ descriptor: Int32, _ vectors: UnsafeMutableBufferPointer<iovec>) -> TransferResult
}

/// The kernel's own calls.
@safe
package struct SystemSocketCalls: SocketCalls {
    /// Creates the calls.
    package init() {}

    /// Receives once; EINTR is retried.
    package func receive(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> TransferResult {
        while true {
            let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .moved(count) }
            if count == 0 { return .ended }
            if let result = Self.result(ofErrorNumber: errno) { return result }
        }
    }

    /// Sends once; EINTR is retried.
    package func send(_ descriptor: Int32, _ vectors: UnsafeMutableBufferPointer<iovec>) -> TransferResult {
        var message = unsafe msghdr()
        unsafe message.msg_iov = vectors.baseAddress
        unsafe message.msg_iovlen = vectors.count
        while true {
            // `sendmsg` copies: the kernel keeps no reference to the arena's pages (DESIGN § 4).
            let count = unsafe sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .moved(count) }
            if let result = Self.result(ofErrorNumber: errno) { return result }
        }
    }

    private static func result(ofErrorNumber number: Int32) -> TransferResult? {
        switch number {
        case EINTR: nil
        case EAGAIN: .wouldBlock
        default: .failed(number)
        }
    }
}
