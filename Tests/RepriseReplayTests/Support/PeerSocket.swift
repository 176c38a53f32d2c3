import Glibc
import RepriseRemote
import RepriseWire

/// The far end of a connection under test: a stream socket pair whose other end a connection takes over.
final class PeerSocket: Sendable {
    /// The descriptor for the connection under test, which closes it.
    let clientDescriptor: Int32
    private let descriptor: Int32

    /// Creates a pair; `bufferByteCount` makes both directions' buffers as small as the kernel allows near
    /// it.
    init(bufferByteCount: Int32? = nil) {
        var descriptors: [Int32] = [-1, -1]
        // SAFETY: socketpair(2) writes two descriptors.
        let status = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &descriptors)
        precondition(status == 0, "socketpair failed")
        (clientDescriptor, descriptor) = (descriptors[0], descriptors[1])
        guard var bufferByteCount else { return }
        for end in descriptors {
            // SAFETY: setsockopt(2) reads four bytes.
            _ = unsafe setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bufferByteCount, 4)
        }
    }

    /// Takes over a connected descriptor, on a server's side; there is no client end.
    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        clientDescriptor = -1
    }

    deinit { _ = close(descriptor) }

    /// Makes the client's receives give up after `microseconds`.
    func limitClientReceives(microseconds: Int) {
        var limit = timeval(tv_sec: 0, tv_usec: microseconds)
        // SAFETY: setsockopt(2) reads the struct.
        _ = unsafe setsockopt(
            clientDescriptor,
            SOL_SOCKET,
            SO_RCVTIMEO,
            &limit,
            socklen_t(MemoryLayout<timeval>.size)
        )
    }

    /// Sends bytes to the client, all of them; an error ends it.
    func send(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            // SAFETY: the range lies within the array.
            let sent = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.send(
                    descriptor,
                    bytes.baseAddress! + offset,
                    bytes.count - offset,
                    Int32(MSG_NOSIGNAL)
                )
            }
            guard sent > 0 else { return }
            offset += sent
        }
    }

    /// Ends the stream towards the client.
    func endStream() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends the stream both ways, which wakes whoever waits for it.
    func endBothStreams() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Receives exactly `byteCount` bytes, or fewer when the client closes.
    func receive(_ byteCount: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        // SAFETY: recv(2) writes at most as many bytes as the array has.
        let received = unsafe recv(descriptor, &bytes, byteCount, Int32(MSG_WAITALL))
        return Array(bytes.prefix(max(received, 0)))
    }

    /// Whether the client has sent nothing that was not received yet.
    var isDrained: Bool {
        var byte: UInt8 = 0
        // SAFETY: recv(2) writes at most one byte.
        return unsafe recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK)) <= 0
    }

    /// Receives up to and with the next line end, or less when the client closes.
    func receiveLine() -> [UInt8] {
        var line: [UInt8] = []
        while line.last != UInt8(ascii: "\n") {
            let byte = receive(1)
            guard !byte.isEmpty else { return line }
            line += byte
        }
        return line
    }

    /// Receives one RESP command's arguments; `nil` when the client has closed.
    func receiveCommand() -> [[UInt8]]? {
        let header = receiveLine()
        guard let count = Int(String(decoding: header.dropFirst().dropLast(2), as: UTF8.self)) else {
            return nil
        }
        return (0..<count).map { _ in
            let length = Int(String(decoding: receiveLine().dropFirst().dropLast(2), as: UTF8.self)) ?? 0
            return Array(receive(length + 2).dropLast(2))
        }
    }

    /// Sends text to the client.
    func send(_ text: String) { send(Array(text.utf8)) }

    /// A RESP connection over the other end.
    func respConnection(limits: RESPReplyLimits = RESPReplyLimits()) -> RESPConnection {
        RESPConnection(adopting: clientDescriptor, limits: limits)
    }

    /// A connection over the other end.
    func connection(dialect: LMDialect = .current) -> LMConnection {
        LMConnection(adopting: clientDescriptor, dialect: dialect)
    }
}
