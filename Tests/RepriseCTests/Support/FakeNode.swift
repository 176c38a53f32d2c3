import CRepriseShims
import Glibc
import RepriseCore
import RepriseWire

// SAFETY, whole file: buffers live during the calls that they are passed to.

/// A node that says what a test wants it to say: each connection is served by a script, on a thread of its
/// own.
final class FakeNode: Sendable {
    typealias Script = @Sendable (FakeConnection) -> Void

    let path: String
    private let directory: String
    private let listener: Int32
    private let thread = Lock<Thread?>(nil)

    /// Listens; the scripts serve the connections in order, and the last one all further ones. The client's
    /// first connection is the one that it watches the node by.
    init(_ scripts: Script...) {
        var template = Array("/tmp/reprise-fake-XXXXXX".utf8CString)
        directory = unsafe String(cString: mkdtemp(&template))
        path = directory + "/node"
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let isBound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(listener, pointer, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        precondition(isBound && listen(listener, 16) == 0, "a socket at \(path)")
        let descriptor = listener
        thread.withLock {
            $0 = Thread(name: "fake-node") {
                var number = 0
                while true {
                    let accepted = accept(descriptor, nil, nil)
                    guard accepted >= 0 else { return }
                    let script = scripts[min(number, scripts.count - 1)]
                    number += 1
                    Thread(name: "fake-connection") {
                        script(FakeConnection(accepted))
                        close(accepted)
                    }.detach()
                }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        thread.withLock { $0 }?.join()
        close(listener)
        unsafe unlink(path)
        unsafe rmdir(directory)
    }
}

/// One connection of a ``FakeNode``.
final class FakeConnection: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// The next message; `nil` at the end of the stream.
    func receive() -> (header: LocalHeader, body: [UInt8])? {
        guard let head = receive(LocalLimits.headerByteCount),
            let header = try? LocalHeader.decode(head.rawSpan), let body = receive(header.bodyByteCount)
        else { return nil }
        return (header, body)
    }

    /// So many bytes; `nil` when the stream ends before.
    func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        guard unsafe count == 0 || recv(descriptor, &bytes, count, Int32(MSG_WAITALL)) == count else {
            return nil
        }
        return bytes
    }

    /// Sends bytes.
    func send(_ bytes: [UInt8]) { _ = unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// Sends an answer to a request.
    func answer(
        _ request: LocalHeader,
        count: Int = 0,
        status: LocalStatus = .ok,
        argument: UInt64 = 0,
        _ body: [UInt8] = []
    ) {
        var header = LocalHeader(
            request.operation,
            identifier: request.identifier,
            bodyByteCount: body.count,
            count: count,
            argument: argument
        )
        header.status = status
        var bytes: [UInt8] = []
        header.append(to: &bytes)
        send(bytes + body)
    }

    /// Receives the hello, and answers it with the descriptor.
    func welcome(_ welcome: LocalWelcome, descriptor memory: Int32) {
        guard let (header, _) = receive() else { return }
        let bytes = welcome.encoded(identifier: header.identifier)
        if memory >= 0 {
            _ = unsafe reprise_send_descriptor(descriptor, bytes, bytes.count, memory)
        } else {
            send(bytes)
        }
    }

    /// Ends this side, as a node does that is about to stop.
    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Waits for the other end to close.
    func waitForEnd() { while receive(1) != nil {} }
}

/// The memory of a ``FakeNode``.
final class FakeArena: Sendable {
    static let byteCount = 1 << 20
    let descriptor: Int32

    init(sealed: Bool = true) {
        descriptor =
            unsafe sealed
            ? reprise_memfd_create_sealed("fake", UInt64(Self.byteCount)) : FakeArena.makeUnsealed()
        precondition(descriptor >= 0, "memfd_create")
    }

    deinit { close(descriptor) }

    private static func makeUnsealed() -> Int32 {
        var template = Array("/tmp/reprise-fake-XXXXXX".utf8CString)
        let descriptor = unsafe mkstemp(&template)
        unsafe unlink(template)
        ftruncate(descriptor, byteCount)
        return descriptor
    }

    /// What the node says of it.
    var welcome: LocalWelcome {
        var welcome = LocalWelcome()
        welcome.isWritable = true
        welcome.arenaByteCount = Self.byteCount
        welcome.leasedByteCountMax = Self.byteCount / 4
        welcome.reservedByteCountMax = Self.byteCount / 4
        welcome.valueByteCountMax = Self.byteCount
        return welcome
    }

    func write(_ bytes: [UInt8], at offset: Int) {
        unsafe pwrite(descriptor, bytes, bytes.count, offset)
    }

    func read(_ count: Int, at offset: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        unsafe pread(descriptor, &bytes, count, offset)
        return bytes
    }
}

extension Thread {
    /// Lets others run.
    static func pause() { usleep(5000) }
}
