internal import Glibc

extension StreamSocket {
    /// Connects to a node: to each address of a host name in turn, or to a Unix socket.
    ///
    /// - Throws: ``RemoteError``, the last address's when there are several.
    static func connected(to url: NodeURL, timeouts: RemoteTimeouts) throws(RemoteError) -> StreamSocket {
        switch url.address {
        case .tcp(let host, let port): try connect(host: host, port: port, timeouts)
        case .unix(let path): try connect(unixPath: path, timeouts)
        }
    }

    private static func connect(
        host: String,
        port: UInt16,
        _ timeouts: RemoteTimeouts
    ) throws(RemoteError) -> StreamSocket {
        // SAFETY: all zeros is a valid addrinfo; its pointers stay null.
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = streamType
        unsafe hints.ai_flags = AI_NUMERICSERV
        // SAFETY: getaddrinfo(3) sets `list` on success only; it is freed once, after its last use.
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard status == 0 else {
            // SAFETY: gai_strerror(3) returns a string that is never freed or changed.
            let text = unsafe String(cString: gai_strerror(status))
            throw RemoteError(.unreachable, "host '\(host)': \(text)")
        }
        defer { unsafe freeaddrinfo(list) }
        var failure = RemoteError(.unreachable, "host '\(host)' has no address")
        var next = unsafe list
        while let address = unsafe next {
            unsafe next = address.pointee.ai_next
            do {
                return try unsafe open(
                    family: address.pointee.ai_family,
                    address.pointee.ai_addr,
                    address.pointee.ai_addrlen,
                    timeouts
                )
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private static func connect(
        unixPath path: String,
        _ timeouts: RemoteTimeouts
    ) throws(RemoteError) -> StreamSocket {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        precondition(bytes.count <= NodeURL.unixPathByteCountMax, "the path of a Unix socket is too long")
        // SAFETY: the path and its final zero (the struct is zeroed) fit in sun_path by the precondition.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let byteCount = socklen_t(MemoryLayout<sockaddr_un>.size)
        var result: Result<Int32, RemoteError> = .failure(RemoteError(.system, "connect was not tried"))
        // SAFETY: connect(2) reads the address during the call only.
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                result = unsafe descriptor(family: AF_UNIX, pointer, byteCount, timeouts)
            }
        }
        return StreamSocket(adopting: try result.get())
    }

    private static func open(
        family: Int32,
        _ address: UnsafePointer<sockaddr>,
        _ byteCount: socklen_t,
        _ timeouts: RemoteTimeouts
    ) throws(RemoteError) -> StreamSocket {
        // SAFETY: the caller's address lives during the call.
        StreamSocket(adopting: try unsafe descriptor(family: family, address, byteCount, timeouts).get())
    }

    /// Makes a socket, connects it and sets its options; closes it again when any of that fails.
    private static func descriptor(
        family: Int32,
        _ address: UnsafePointer<sockaddr>,
        _ byteCount: socklen_t,
        _ timeouts: RemoteTimeouts
    ) -> Result<Int32, RemoteError> {
        let descriptor = socket(family, streamType | closeOnExec, 0)
        guard descriptor >= 0 else { return .failure(error(errno, during: "socket")) }
        // connect(2) honours the send time limit, and then fails with EINPROGRESS. See socket(7).
        setTimeLimit(descriptor, SO_SNDTIMEO, timeouts.connect)
        // SAFETY: the caller's address lives during the call.
        if unsafe Glibc.connect(descriptor, address, byteCount) != 0,
            !isConnectedAfterInterruption(descriptor)
        {
            let failure = error(errno, during: "connect")
            _ = Glibc.close(descriptor)
            return .failure(failure)
        }
        setTimeLimit(descriptor, SO_SNDTIMEO, timeouts.transfer)
        setTimeLimit(descriptor, SO_RCVTIMEO, timeouts.transfer)
        // Requests are small and wait for their replies: Nagle's algorithm would only delay them. See tcp(7).
        if family != AF_UNIX { set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, Int32(1)) }
        return .success(descriptor)
    }

    /// Acknowledges what arrives next at once, once; without effect on a Unix socket.
    ///
    /// Small replies to pipelined requests otherwise wait 40 ms each at a server that leaves Nagle's
    /// algorithm on, as LMCache's does: it holds the next one back until the last one is acknowledged. See
    /// tcp(7), TCP_QUICKACK.
    func acknowledgeAtOnce() {
        StreamSocket.set(descriptor, Int32(IPPROTO_TCP), TCP_QUICKACK, Int32(1))
    }

    /// After EINTR the connection goes on being made; waits for it and leaves its outcome in `errno`.
    private static func isConnectedAfterInterruption(_ descriptor: Int32) -> Bool {
        guard errno == EINTR else { return false }
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // SAFETY: poll(2) writes to the one entry during the call.
        while unsafe poll(&entry, 1, -1) < 0 {
            guard errno == EINTR else { return false }
        }
        var status: Int32 = 0
        var byteCount = socklen_t(MemoryLayout<Int32>.size)
        // SAFETY: getsockopt(2) writes at most `byteCount` bytes to `status`.
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &status, &byteCount) == 0 else {
            return false
        }
        errno = status
        return status == 0
    }

    private static func setTimeLimit(_ descriptor: Int32, _ option: Int32, _ limit: Duration?) {
        // Zero means no limit to the kernel, so a limit below a microsecond becomes one.
        let (seconds, attoseconds) = limit?.components ?? (0, 0)
        let microseconds = Int(attoseconds / 1_000_000_000_000)
        let isTooShort = limit != nil && seconds == 0 && microseconds == 0
        let value = timeval(tv_sec: Int(seconds), tv_usec: isTooShort ? 1 : microseconds)
        set(descriptor, SOL_SOCKET, option, value)
    }

    private static func set<Value: BitwiseCopyable>(
        _ descriptor: Int32,
        _ level: Int32,
        _ option: Int32,
        _ value: Value
    ) {
        var value = value
        // SAFETY: setsockopt(2) reads the value's bytes during the call. It fails only for bad arguments, and
        // these options are advice: the connection works without them.
        _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Value>.size))
    }

    private static var streamType: Int32 { Int32(SOCK_STREAM.rawValue) }
    private static var closeOnExec: Int32 { Int32(SOCK_CLOEXEC.rawValue) }
}
