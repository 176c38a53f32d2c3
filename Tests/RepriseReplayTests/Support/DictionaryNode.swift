import Glibc
import RepriseCore
import RepriseRemote
import RepriseWire

@testable import RepriseReplay

/// A small server on a Unix socket, for lm or RESP: a dictionary, one blocking thread a connection, as
/// LMCache's own server is.
final class DictionaryNode: Sendable {
    /// What the node does wrong, to see that clients notice.
    enum Fault: Sendable {
        case none, corruptsValues, dropsPuts, closesOnGet
    }

    private struct State {
        var values: [StorageKey: [UInt8]] = [:]
        var order: [StorageKey] = []
        var acceptor: WorkerThread?
        var connections: [(PeerSocket, WorkerThread)] = []
    }

    /// Where it listens.
    let url: NodeURL
    private let path: String
    private let listener: Int32
    let fault: Fault
    private let capacity: Int
    private let state = Lock(State())

    /// Starts a node that keeps at most `capacity` values, the most recently used ones.
    init(_ name: String, _ wire: NodeURL.Wire = .lm, capacity: Int = .max, fault: Fault = .none) {
        path = "/tmp/reprise-test-\(getpid())-\(wire)-\(name).sock"
        url = NodeURL(wire, .unix(path: path))
        self.fault = fault
        self.capacity = capacity
        listener = DictionaryNode.listen(path)
        let thread = WorkerThread { [self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                let peer = PeerSocket(adopting: descriptor)
                let thread = WorkerThread { [self] in
                    if wire == .lm { serve(peer) } else { serveRESP(peer) }
                    peer.endBothStreams()
                }
                state.withLock { $0.connections.append((peer, thread)) }
            }
        }
        state.withLock { $0.acceptor = thread }
    }

    /// Ends all connections and threads, and removes the socket's name.
    func stop() {
        // accept(2) fails after this, which ends the thread; only then are all connections known.
        _ = shutdown(listener, Int32(SHUT_RDWR))
        state.withLock { $0.acceptor }?.join()
        _ = close(listener)
        for (peer, thread) in state.withLock({ $0.connections }) {
            peer.endBothStreams()
            thread.join()
        }
        removeName()
    }

    /// Removes the socket's name, so that nobody can connect any more.
    func removeName() {
        // SAFETY: unlink(2) reads the path during the call.
        _ = unsafe unlink(path)
    }

    /// How many values are stored.
    var count: Int { state.withLock { $0.values.count } }

    /// Listens on a Unix socket.
    static func listen(_ path: String) -> Int32 {
        // SAFETY: unlink(2) reads the path during the call; a name may be left over from a test that was
        // killed.
        _ = unsafe unlink(path)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // SAFETY: test paths are far shorter than sun_path, which is zeroed.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
        // SAFETY: bind(2) reads the address during the call.
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        precondition(status == 0 && Glibc.listen(descriptor, 16) == 0, "cannot listen at \(path)")
        return descriptor
    }

    private func serve(_ peer: PeerSocket) {
        while let request = nextRequest(peer) {
            switch request.command {
            case .put: store(request.key, peer.receive(request.payloadByteCount))
            case .get:
                guard fault != .closesOnGet else { return }
                peer.send(reply(to: request.key))
            case .exist:
                peer.send((use(request.key) == nil ? LMReplyHeader.miss : .found).encoded(dialect: .current))
            case .list, .health, .remove, .stat: return
            }
        }
    }

    private func nextRequest(_ peer: PeerSocket) -> LMRequest? {
        var decoder = LMRequestDecoder(dialect: .current)
        let header = peer.receive(LMDialect.current.requestHeaderByteCount)
        guard case .request(let request, _) = try? decoder.decode(header.rawSpan) else { return nil }
        return request
    }

    private func reply(to key: StorageKey) -> [UInt8] {
        guard var value = use(key) else { return LMReplyHeader.miss.encoded(dialect: .current) }
        if fault == .corruptsValues { value[value.count / 2] ^= 0x10 }
        return LMReplyHeader.hit(.plain(byteCount: value.count), byteCount: value.count).encoded(
            dialect: .current
        )
            + value
    }

    /// The value of a key, which becomes the most recently used one.
    func use(_ key: StorageKey) -> [UInt8]? {
        state.withLock { state in
            guard let value = state.values[key] else { return nil }
            state.order.removeAll { $0 == key }
            state.order.append(key)
            return value
        }
    }

    /// Stores a value, unless the node's fault is to drop it.
    func store(_ key: StorageKey, _ value: [UInt8]) {
        guard fault != .dropsPuts else { return }
        state.withLock { state in
            state.order.removeAll { $0 == key }
            if state.values[key] == nil, state.values.count == capacity {
                state.values[state.order.removeFirst()] = nil
            }
            state.values[key] = value
            state.order.append(key)
        }
    }
}
