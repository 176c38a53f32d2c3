internal import CRepriseShims
internal import Glibc
internal import RepriseCore

// SAFETY, whole file: socket addresses are passed with their own lengths, and no pointer outlives its call.

/// Makes the listening sockets of a server.
enum Listener {
    private static let backlog: Int32 = 1024

    /// Listens on every address that a name has and this machine, on one port; port 0 takes the one that the
    /// first address is given.
    ///
    /// - Returns: Non-blocking listening sockets, and the port.
    static func listenTCP(host: String, port: UInt16) throws(ServerError) -> (
        descriptors: [Int32], port: UInt16
    ) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, nil, &hints, &found)
        defer { unsafe freeaddrinfo(found) }
        guard status == 0 else {
            let reason = unsafe String(cString: gai_strerror(status))
            throw ServerError(.badAddress, "cannot resolve '\(host)': \(reason)")
        }
        var descriptors: [Int32] = []
        var unavailable: ServerError?
        var port = port
        var next = unsafe found
        while let address = unsafe next {
            do throws(ServerError) {
                descriptors.append(try unsafe listen(on: address.pointee, host: host, port: &port))
            } catch  where error.code == .badAddress {
                // 'localhost' has an IPv6 address also on machines without IPv6.
                unavailable = error
            } catch {
                for descriptor in descriptors { close(descriptor) }
                throw error
            }
            unsafe next = address.pointee.ai_next
        }
        if let unavailable, descriptors.isEmpty { throw unavailable }
        return (descriptors, port)
    }

    private static func listen(
        on address: addrinfo,
        host: String,
        port: inout UInt16
    ) throws(ServerError) -> Int32 {
        let descriptor = try makeSocket(unsafe address.ai_family)
        var one: Int32 = 1
        let length = socklen_t(MemoryLayout<Int32>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, length)
        if unsafe address.ai_family == AF_INET6 {
            unsafe setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &one, length)
        }
        var storage = sockaddr_storage()
        let bound = unsafe withUnsafeMutableBytes(of: &storage) { bytes -> Int32 in
            // SAFETY: a socket address of either family fits the storage; its port lies at offset 2 in both.
            unsafe bytes.copyMemory(
                from: UnsafeRawBufferPointer(start: address.ai_addr, count: Int(address.ai_addrlen))
            )
            unsafe bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
            return unsafe bytes.withMemoryRebound(to: sockaddr.self) { bytes in
                unsafe bind(descriptor, bytes.baseAddress, address.ai_addrlen)
            }
        }
        guard bound == 0, Glibc.listen(descriptor, backlog) == 0 else {
            let error = failure("listen on \(host):\(port)", errno)
            close(descriptor)
            throw error
        }
        if port == 0 { port = boundPort(of: descriptor) }
        return descriptor
    }

    /// Listens on a Unix socket, readable and writable by its owner only. A stale socket file is replaced.
    ///
    /// - Parameter isOpenToOthers: Whether every user may connect; who is served is decided then.
    static func listenUnix(path: String, isOpenToOthers: Bool = false) throws(ServerError) -> ListeningSocket
    {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity, !path.isEmpty else {
            throw ServerError(
                .badAddress,
                "the Unix socket's path has \(path.utf8.count) bytes; use 1 to \(capacity - 1)"
            )
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let descriptor = try makeSocket(AF_UNIX)
        if isStale(address, path: path) { unsafe unlink(path) }
        let before = umask(isOpenToOthers ? 0o111 : 0o177)
        let bound = unsafe withSocketAddress(&address) { unsafe bind(descriptor, $0, $1) }
        umask(before)
        guard bound == 0 else {
            let error = failure("listen on '\(path)'", errno)
            close(descriptor)
            throw error
        }
        let socket = ListeningSocket(descriptor: descriptor, file: ListeningSocket.File(path: path))
        guard Glibc.listen(descriptor, backlog) == 0 else {
            let error = failure("listen on '\(path)'", errno)
            socket.close()
            throw error
        }
        return socket
    }

    /// Whether a socket file is there that nobody listens on.
    private static func isStale(_ address: sockaddr_un, path: String) -> Bool {
        var file = stat()
        // A connection to a file that is no socket is refused as well.
        guard unsafe lstat(path, &file) == 0, file.st_mode & S_IFMT == S_IFSOCK else { return false }
        guard let probe = try? makeSocket(AF_UNIX) else { return false }
        defer { close(probe) }
        var address = address
        let status = unsafe withSocketAddress(&address) { unsafe connect(probe, $0, $1) }
        return status != 0 && errno == ECONNREFUSED
    }

    private static func withSocketAddress(
        _ address: inout sockaddr_un,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        unsafe withUnsafePointer(to: &address) { pointer in
            // SAFETY: the system reads the family first and takes the address for what it is.
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func makeSocket(_ family: Int32) throws(ServerError) -> Int32 {
        let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(family, Int32(kind), 0)
        guard descriptor >= 0 else { throw failure("make a socket", errno) }
        return descriptor
    }

    private static func boundPort(of descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe bytes.withMemoryRebound(to: sockaddr.self) { bytes in
                _ = unsafe getsockname(descriptor, bytes.baseAddress, &length)
            }
            // The port lies at offset 2 in both families.
            return UInt16(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
    }

    private static func failure(_ what: String, _ number: Int32) -> ServerError {
        switch number {
        case EADDRINUSE:
            ServerError(.addressInUse, "cannot \(what): somebody listens there; choose another or stop it")
        case EACCES, EPERM: ServerError(.noPermission, "cannot \(what): permission denied")
        case EADDRNOTAVAIL, EAFNOSUPPORT:
            ServerError(.badAddress, "cannot \(what): this machine has no such address")
        default: ServerError(.system, "cannot \(what): \(systemMessage(number))")
        }
    }
}
