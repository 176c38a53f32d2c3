internal import Glibc

// SAFETY, whole file: addresses and buffers are passed with their own lengths, and no pointer outlives its
// call.

/// Keeps the kernel's copy of a long value fast when a short header goes before it.
///
/// Linux copies what one thread sends, on whatever TCP socket, behind one another into the thread's page
/// fragment, and starts that anew once everybody has read it. A reply's header of 10 bytes then puts the
/// value 10 bytes further into its page than it lies in the arena, and with such a distance (1 to 31 bytes)
/// processors copy up to eight times slower (sourceware bug 30994). A few bytes that the thread sends to
/// itself before the header move both further on: GETs of 4 MiB gained a quarter. Where the kernel does
/// otherwise, they change nothing.
///
/// Confined to its reactor's thread.
struct CopyAlignment: ~Copyable {
    /// Values from here on are worth the two system calls.
    static let valueByteCountMin = 256 << 10
    /// Headers from here on need no help.
    static let headerByteCountMin = 32
    private static let shiftByteCount = 64
    /// How long to wait for the connection, where something filters loopback: 100 ms.
    private static let connectTimeMax = timeval(tv_sec: 0, tv_usec: 100_000)

    private let sender: Int32
    private let receiver: Int32
    private let bytes = [UInt8](repeating: 0, count: shiftByteCount)

    /// Connects a socket to itself over loopback; without effect when the system has no loopback.
    init() {
        (sender, receiver) = Self.connectedPair() ?? (-1, -1)
    }

    deinit {
        if sender >= 0 { close(sender) }
        if receiver >= 0 { close(receiver) }
    }

    /// Moves the thread's page fragment on.
    func shift() {
        guard sender >= 0 else { return }
        var drained = [64 of UInt8](repeating: 0)
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        // What was sent last is read first: the fragment may begin anew, and what is sent next stays in it.
        _ = unsafe withUnsafeMutableBytes(of: &drained) {
            unsafe recv(receiver, $0.baseAddress, $0.count, flags)
        }
        _ = unsafe bytes.withUnsafeBytes { unsafe send(sender, $0.baseAddress, $0.count, flags) }
    }

    /// Two ends of a TCP connection of this process with itself.
    private static func connectedPair() -> (Int32, Int32)? {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let listener = socket(AF_INET, kind, 0)
        let sender = socket(AF_INET, kind, 0)
        guard listener >= 0, sender >= 0 else {
            for descriptor in [listener, sender] where descriptor >= 0 { close(descriptor) }
            return nil
        }
        defer { close(listener) }
        // connect(2) and accept(2) keep to these: socket(7).
        var limit = connectTimeMax
        let limitByteCount = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(sender, SOL_SOCKET, SO_SNDTIMEO, &limit, limitByteCount)
        unsafe setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, limitByteCount)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let receiver = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> Int32 in
                guard unsafe bind(listener, pointer, length) == 0, listen(listener, 1) == 0,
                    unsafe getsockname(listener, pointer, &length) == 0,
                    unsafe connect(sender, pointer, length) == 0
                else { return -1 }
                return accept(listener, nil, nil)
            }
        }
        guard receiver >= 0 else {
            close(sender)
            return nil
        }
        var one: Int32 = 1
        unsafe setsockopt(
            sender,
            Int32(IPPROTO_TCP),
            TCP_NODELAY,
            &one,
            socklen_t(MemoryLayout<Int32>.size)
        )
        return (sender, receiver)
    }
}
