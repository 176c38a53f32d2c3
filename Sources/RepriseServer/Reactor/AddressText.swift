internal import Glibc

// SAFETY, whole file: the system reads and writes buffers of the lengths that it is given, during the call.

/// Network addresses as text, and those of sockets.
enum AddressText {
    /// An address of 4 or 16 bytes as text.
    static func text(of bytes: [UInt8]) -> String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard unsafe inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "?" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The 4 or 16 bytes of an address's text; `nil` for what is none.
    static func bytes(of text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes[0..<4]) }
        return unsafe inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }

    /// The address of a socket's peer.
    static func peer(of descriptor: Int32, unixPath: String?) -> PeerAddress {
        unsafe address(unixPath: unixPath) { unsafe getpeername(descriptor, $0, $1) }
    }

    /// The address of a socket itself.
    static func local(of descriptor: Int32, unixPath: String?) -> PeerAddress {
        unsafe address(unixPath: unixPath) { unsafe getsockname(descriptor, $0, $1) }
    }

    private static func address(
        unixPath: String?,
        _ read: (UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> PeerAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let bytes = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            _ = unsafe bytes.withMemoryRebound(to: sockaddr.self) { unsafe read($0.baseAddress, &length) }
            return unsafe [UInt8](bytes)
        }
        // The port lies at offset 2 in network order, an IPv4 address at 4, an IPv6 address at 8: ip(7),
        // ipv6(7).
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        switch Int32(storage.ss_family) {
        case AF_INET: return PeerAddress(host: .network(Array(bytes[4..<8])), port: port)
        case AF_INET6: return PeerAddress(host: .network(mapped(Array(bytes[8..<24]))), port: port)
        default: return PeerAddress(host: .unix(path: unixPath ?? ""), port: 0)
        }
    }

    /// The IPv4 address that an IPv6 address stands for, if it does: RFC 4291 § 2.5.5.2.
    private static func mapped(_ bytes: [UInt8]) -> [UInt8] {
        let prefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
        return bytes.starts(with: prefix) ? Array(bytes[12...]) : bytes
    }
}
