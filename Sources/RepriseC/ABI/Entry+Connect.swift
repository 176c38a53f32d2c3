public import CReprise
internal import CRepriseShims
internal import Glibc
internal import RepriseWire

// SAFETY, whole file: options are read during the call alone, and as far as the library knows them; the
// environment's texts are copied at once.

/// See `reprise_connect` in reprise.h.
@c @implementation
public func reprise_connect(
    _ options: UnsafePointer<reprise_options>?,
    _ client: UnsafeMutablePointer<OpaquePointer?>?
) -> reprise_status {
    unsafe open(client) { serial throws(CallError) in
        guard let options = unsafe options?.pointee else {
            throw CallError(.invalidArgument, "the options are NULL")
        }
        try unsafe Options.checkSize(options.struct_size, MemoryLayout<reprise_options>.size)
        let threads = try unsafe Options.copyThreadCount(options.copy_threads)
        let counters = CopyCounters()
        let store = try NodeStore(
            unsafe Options.configuration(options, copyThreadCount: threads),
            counters: counters,
            owner: serial,
            later: unsafe options.connect_later != 0
        )
        do throws(CallError) {
            return try Client(serial: serial, store: store, counters: counters, copyThreadCount: threads)
        } catch {
            store.close()
            throw error
        }
    }
}

extension Options {
    /// Where the node's socket is unless the caller or the environment says so.
    static let socketPathDefault = "/run/reprise/reprise.sock"
    /// The environment's variable with the path.
    static let socketPathVariable = "REPRISE_SOCKET"

    /// How a node is reached.
    static func configuration(
        _ options: reprise_options,
        copyThreadCount: UInt32
    ) throws(CallError) -> NodeStore.Configuration {
        let timeout = unsafe options.timeout_ms
        let connectTimeout = unsafe options.connect_timeout_ms
        return NodeStore.Configuration(
            path: try unsafe socketPath(options.socket_path),
            session: try unsafe session(options.session),
            timeout: .milliseconds(timeout == 0 ? ClientLimits.timeoutMillisecondsDefault : timeout),
            connectTimeout: .milliseconds(
                connectTimeout == 0 ? ClientLimits.connectMillisecondsDefault : connectTimeout
            ),
            idleCountMax: Int(copyThreadCount) + NodeStore.idleCountBesidesCopyThreads
        )
    }

    private static func socketPath(_ path: UnsafePointer<CChar>?) throws(CallError) -> [UInt8] {
        if let path = unsafe path { return try unsafe bytes(of: path, "socket_path") }
        if let path = unsafe getenv(socketPathVariable), unsafe path.pointee != 0 {
            return try unsafe bytes(of: path, "the environment's REPRISE_SOCKET")
        }
        return Array(socketPathDefault.utf8)
    }

    /// The session's name: the caller's, or a random one, so that the client's own connections have one in
    /// common.
    private static func session(_ bytes: UnsafePointer<UInt8>?) throws(CallError) -> [UInt8] {
        guard let bytes = unsafe bytes else {
            var generator = SystemRandomNumberGenerator()
            return (0..<LocalLimits.sessionByteCount).map { _ in UInt8.random(in: 1...255, using: &generator)
            }
        }
        let name = unsafe Array(UnsafeBufferPointer(start: bytes, count: LocalLimits.sessionByteCount))
        guard name.contains(where: { $0 != 0 }) else {
            throw CallError(
                .invalidArgument,
                "a session of zeros; take 16 random bytes, or NULL for one's own"
            )
        }
        return name
    }
}
