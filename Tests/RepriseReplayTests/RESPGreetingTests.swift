import Glibc
import RepriseCore
import RepriseRemote
import Testing

@testable import RepriseReplay

struct RESPGreetingTests {
    private static let secret = "s3cr3t word"

    /// A server that answers a list of replies to whatever comes, and keeps what came.
    private func greet(
        _ name: String,
        _ replies: [String],
        password: String? = secret
    ) throws -> (version: Int?, failure: RemoteError?, commands: [[String]]) {
        let server = ScriptedServer(name, replies)
        defer { server.stop() }
        let credentials = try password.map { try NodeCredentials(password: Array($0.utf8)) }
        do throws(RemoteError) {
            let connection = try RESPConnection(connectingTo: server.url.with(credentials))
            return (connection.protocolVersion, nil, server.commands)
        } catch {
            return (nil, error, server.commands)
        }
    }

    @Test func `a server with RESP 3 is greeted once, with the password`() throws {
        let outcome = try greet("resp3", ["%1\r\n$5\r\nproto\r\n:3\r\n"])
        #expect(outcome.version == 3)
        #expect(outcome.commands == [["HELLO", "3", "AUTH", "default", Self.secret]])
    }

    @Test(arguments: ["-ERR unknown command 'HELLO'\r\n", "-NOPROTO unsupported protocol version\r\n"])
    func `a server without it is spoken to over RESP 2`(reply: String) throws {
        let outcome = try greet("resp2-\(reply.utf8.count)", [reply, "+OK\r\n"])
        #expect(outcome.version == 2)
        #expect(outcome.commands.last == ["AUTH", Self.secret])
        let open = try greet("open-\(reply.utf8.count)", [reply], password: nil)
        #expect(open.version == 2)
        #expect(open.commands == [["HELLO", "3"]])
    }

    @Test(arguments: [
        ["-WRONGPASS invalid username-password pair\r\n"],
        ["-ERR unknown command `HELLO`\r\n", "-ERR invalid\r\n"],
        ["-ERR what is 's3cr3t word'\r\n"], ["-ERR unknown command\r\n", "-ERR near 's3cr3t'\r\n"],
    ])
    func `a wrong password is rejected, and shown nowhere`(replies: [String]) throws {
        let outcome = try greet("wrong-\(replies.joined().utf8.count)", replies)
        #expect(outcome.failure?.code == .rejected)
        #expect(outcome.failure?.message.contains("s3cr3t") == false)
    }

    @Test func `another refusal keeps the server's words`() throws {
        let outcome = try greet("full", ["-ERR max number of clients reached\r\n"])
        #expect(outcome.failure?.message.hasSuffix(": ERR max number of clients reached") == true)
    }

    @Test func `a proxy that agrees in RESP 2 is spoken to`() throws {
        let outcome = try greet("proxy", ["*2\r\n$5\r\nproto\r\n:3\r\n"])
        #expect(outcome.version == 2)
    }

    @Test func `a server that asks for a password says how to give it`() throws {
        let outcome = try greet("locked", ["-NOAUTH HELLO must be called\r\n"], password: nil)
        #expect(outcome.failure?.message.contains("redis://:password@host") == true)
    }
}

/// A RESP server on a Unix socket that takes one connection and answers each command by the next of its
/// replies.
private final class ScriptedServer: Sendable {
    let url: NodeURL
    private let path: String
    private let listener: Int32
    private let received = Lock([[String]]())
    private let thread: WorkerThread

    init(_ name: String, _ replies: [String]) {
        let path = "/tmp/reprise-test-\(getpid())-greet-\(name).sock"
        let listener = DictionaryNode.listen(path)
        let received = received
        (self.path, self.listener) = (path, listener)
        url = NodeURL(.resp, .unix(path: path))
        thread = WorkerThread {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            let peer = PeerSocket(adopting: descriptor)
            for reply in replies {
                guard let command = peer.receiveCommand() else { return }
                received.withLock { $0.append(command.map { String(decoding: $0, as: UTF8.self) }) }
                peer.send(reply)
            }
        }
    }

    /// The commands that came.
    var commands: [[String]] { received.withLock { $0 } }

    func stop() {
        _ = shutdown(listener, Int32(SHUT_RDWR))
        thread.join()
        _ = close(listener)
        // SAFETY: unlink(2) reads the path during the call.
        _ = unsafe unlink(path)
    }
}
