import Glibc
import RepriseCore
import RepriseRemote
import RepriseTesting

// SAFETY, whole file: addresses and buffers live during the calls that they are given to.

/// A server on loopback that does to each connection what a test says.
final class ScriptedServer: Sendable {
    /// One accepted connection.
    final class Peer: Sendable {
        private let descriptor: Int32
        /// The connection's number, from 0.
        let number: Int

        init(_ descriptor: Int32, number: Int) {
            self.descriptor = descriptor
            self.number = number
        }

        deinit { _ = close(descriptor) }

        /// Receives exactly so many bytes, or fewer when the client closes.
        func receive(_ byteCount: Int) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: byteCount)
            let received = unsafe recv(descriptor, &bytes, byteCount, Int32(MSG_WAITALL))
            return Array(bytes.prefix(max(received, 0)))
        }

        /// Whether the client has ended its stream, without more bytes.
        func isEnded() -> Bool { receive(1).isEmpty }

        func send(_ bytes: [UInt8]) {
            var offset = 0
            while offset < bytes.count {
                let sent = unsafe bytes.withUnsafeBytes {
                    unsafe Glibc.send(
                        descriptor,
                        $0.baseAddress! + offset,
                        bytes.count - offset,
                        Int32(MSG_NOSIGNAL)
                    )
                }
                guard sent > 0 else { return }
                offset += sent
            }
        }

        func send(_ text: String) { send(Array(text.utf8)) }

        /// Makes the close that follows a reset.
        func reset() {
            var option = linger(l_onoff: 1, l_linger: 0)
            _ = unsafe setsockopt(
                descriptor,
                SOL_SOCKET,
                SO_LINGER,
                &option,
                socklen_t(MemoryLayout<linger>.size)
            )
        }

        func end() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

        /// Receives one RESP command; `nil` when the client has closed.
        func receiveCommand() -> [[UInt8]]? {
            guard let count = receiveNumber() else { return nil }
            return (0..<count).map { _ in Array(receive((receiveNumber() ?? 0) + 2).dropLast(2)) }
        }

        private func receiveNumber() -> Int? {
            var line: [UInt8] = []
            while line.last != UInt8(ascii: "\n") {
                let byte = receive(1)
                guard !byte.isEmpty else { return nil }
                line += byte
            }
            return Int(String(decoding: line.dropFirst().dropLast(2), as: UTF8.self))
        }
    }

    private struct State {
        var peers: [Peer] = []
        var threads: [Thread] = []
        var acceptor: Thread?
        var isStopped = false
    }

    /// The port that it listens at.
    let port: UInt16
    private let listener: Int32
    private let state = Lock(State())

    /// Listens, at any port unless one is given, and calls `script` on a thread for each connection.
    init(port: UInt16 = 0, _ script: @escaping @Sendable (Peer) -> Void) {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        var one: Int32 = 1
        _ = unsafe setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        let descriptor = listener
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                let status = unsafe bind(descriptor, $0, size)
                precondition(status == 0 && listen(descriptor, 64) == 0, "cannot listen")
                unsafe getsockname(descriptor, $0, &size)
            }
        }
        self.port = UInt16(bigEndian: address.sin_port)
        let acceptor = Thread(name: "acceptor") { [self] in
            while true {
                let accepted = accept(listener, nil, nil)
                guard accepted >= 0 else { return }
                let peer = state.withLock { state in
                    let peer = Peer(accepted, number: state.peers.count)
                    state.peers.append(peer)
                    return peer
                }
                let thread = Thread(name: "peer") {
                    script(peer)
                    peer.end()
                }
                state.withLock { $0.threads.append(thread) }
            }
        }
        state.withLock { $0.acceptor = acceptor }
    }

    /// How many connections were accepted.
    var acceptedCount: Int { state.withLock { $0.peers.count } }

    /// Ends every connection and the threads.
    func stop() {
        guard
            let acceptor = state.withLock({ state -> Thread? in
                guard !state.isStopped else { return nil }
                state.isStopped = true
                return state.acceptor
            })
        else { return }
        _ = shutdown(listener, Int32(SHUT_RDWR))
        acceptor.join()
        _ = close(listener)
        let (peers, threads) = state.withLock { ($0.peers, $0.threads) }
        for peer in peers { peer.end() }
        for thread in threads { thread.join() }
    }

    /// Where it is.
    func url(_ wire: NodeURL.Wire) -> NodeURL { NodeURL(wire, .tcp(host: "127.0.0.1", port: port)) }
}
