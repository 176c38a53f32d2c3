import Glibc
import RepriseCore
import RepriseTesting
import RepriseWire

/// What a test client could not do.
struct ClientFailure: Error, CustomStringConvertible {
    let description: String
}

/// A blocking client that sends exactly the bytes it is told to, and gives up instead of hanging.
final class TestClient: Sendable {
    /// A reply's header and payload.
    struct Reply: Hashable {
        let header: LMReplyHeader
        let payload: [UInt8]
    }

    private static let timeoutSeconds = 30

    let dialect: LMDialect
    private let socket: Lock<Int32>

    /// Connects to a TCP port of this machine.
    convenience init(
        port: UInt16,
        dialect: LMDialect = .current,
        receiveBufferByteCount: Int32? = nil,
        isIPv6: Bool = false
    ) throws {
        var storage = sockaddr_storage()
        let length: Int
        if isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_addr = in6addr_loopback
            length = MemoryLayout<sockaddr_in6>.size
            // SAFETY: the storage holds an address of any family.
            unsafe withUnsafeMutableBytes(of: &storage) {
                unsafe $0.storeBytes(of: address, as: sockaddr_in6.self)
            }
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            length = MemoryLayout<sockaddr_in>.size
            // SAFETY: as above.
            unsafe withUnsafeMutableBytes(of: &storage) {
                unsafe $0.storeBytes(of: address, as: sockaddr_in.self)
            }
        }
        try self.init(storage, length, dialect, receiveBufferByteCount)
    }

    /// Connects to a Unix socket.
    convenience init(unixPath: String, dialect: LMDialect = .current) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // SAFETY: the path is shorter than the field, which is zero.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: unixPath.utf8) }
        var storage = sockaddr_storage()
        // SAFETY: the storage holds an address of any family.
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.storeBytes(of: address, as: sockaddr_un.self)
        }
        try self.init(storage, MemoryLayout<sockaddr_un>.size, dialect, nil)
    }

    private init(
        _ address: sockaddr_storage,
        _ length: Int,
        _ dialect: LMDialect,
        _ receiveBufferByteCount: Int32?
    ) throws {
        self.dialect = dialect
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = Glibc.socket(Int32(address.ss_family), kind, 0)
        socket = Lock(descriptor)
        guard descriptor >= 0 else { throw ClientFailure(description: "socket: error \(errno)") }
        var limit = timeval(tv_sec: TestClient.timeoutSeconds, tv_usec: 0)
        let limitLength = socklen_t(MemoryLayout<timeval>.size)
        // SAFETY: setsockopt(2) reads the values it is given the lengths of.
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, limitLength)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, limitLength)
        if var receiveBufferByteCount {
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBufferByteCount, 4)
        }
        var address = address
        // SAFETY: the address is `length` bytes long and of the family it says.
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(length))
            }
        }
        guard status == 0 else { throw ClientFailure(description: "connect: error \(errno)") }
        var one: Int32 = 1
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }

    deinit { close() }

    private var descriptor: Int32 { socket.withLock { $0 } }

    /// Closes the socket.
    func close() {
        let descriptor = socket.withLock { socket in
            defer { socket = -1 }
            return socket
        }
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    /// Closes the socket with a reset in the place of an orderly end.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        // SAFETY: setsockopt(2) reads the struct.
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Says that no more requests come.
    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Sends all of the bytes.
    func send(_ bytes: [UInt8]) throws {
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
            if sent < 0, errno == EINTR { continue }
            guard sent > 0 else {
                throw ClientFailure(description: "send after \(offset) bytes: error \(errno)")
            }
            offset += sent
        }
    }

    /// Receives exactly `byteCount` bytes.
    func receive(_ byteCount: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        var offset = 0
        while offset < byteCount {
            // SAFETY: the range lies within the array.
            let count = unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe recv(descriptor, bytes.baseAddress! + offset, byteCount - offset, 0)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let reason = count == 0 ? "the server closed" : "error \(errno)"
                throw ClientFailure(description: "receive after \(offset) of \(byteCount) bytes: \(reason)")
            }
            offset += count
        }
        return bytes
    }

    /// Waits for the server to close; returns whether it did, without another byte.
    func receivesEnd() -> Bool {
        var byte: UInt8 = 0
        // SAFETY: recv(2) writes at most one byte.
        var count = unsafe recv(descriptor, &byte, 1, 0)
        while count < 0, errno == EINTR { count = unsafe recv(descriptor, &byte, 1, 0) }
        return count == 0 || (count < 0 && errno == ECONNRESET)
    }

    /// Whether the server is known to have closed.
    var hasEnded: Bool {
        var byte: UInt8 = 0
        // SAFETY: recv(2) writes at most one byte.
        let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK))
        return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)
    }

    /// Whether a byte can be received now.
    var hasBytes: Bool {
        var byte: UInt8 = 0
        // SAFETY: recv(2) writes at most one byte.
        return unsafe recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK)) > 0
    }
}
