import CReprise
import RepriseCore
import RepriseWire
import Synchronization
import Testing

/// What a client does when the node says what it must not, or nothing.
@Suite struct `Faults of a node` {
    private static func welcoming(
        _ arena: FakeArena,
        _ script: @escaping FakeNode.Script = { $0.waitForEnd() }
    ) -> FakeNode.Script {
        { connection in
            connection.welcome(arena.welcome, descriptor: arena.descriptor)
            script(connection)
        }
    }

    @Test func `another major version is refused`() {
        let arena = FakeArena()
        let node = FakeNode { connection in
            var welcome = arena.welcome
            welcome.major = 2
            connection.welcome(welcome, descriptor: arena.descriptor)
        }
        #expect(CClient(connectingTo: node.path).status == -7)
    }

    @Test(arguments: [(LocalStatus.wrongVersion, -7), (.notPermitted, -7), (.malformed, -12)])
    func `a hello that is turned down says why`(status: LocalStatus, expected: Int) {
        let node = FakeNode { connection in
            guard let (header, _) = connection.receive() else { return }
            connection.answer(header, status: status, Array("because".utf8))
        }
        #expect(CClient(connectingTo: node.path).status == expected)
        #expect(CClient.lastError.contains("because"))
    }

    @Test func `a server of another kind is a fault of protocol`() {
        let node = FakeNode { $0.send(Array("-ERR unknown command\r\n".utf8)) }
        #expect(CClient(connectingTo: node.path).status == -12)
    }

    @Test func `a welcome without memory, or with less than it says, is a fault of protocol`() {
        let arena = FakeArena()
        let bare = FakeNode { $0.welcome(arena.welcome, descriptor: -1) }
        #expect(CClient(connectingTo: bare.path).status == -12)
        let short = FakeNode { connection in
            var welcome = arena.welcome
            welcome.arenaByteCount += 1
            connection.welcome(welcome, descriptor: arena.descriptor)
        }
        #expect(CClient(connectingTo: short.path).status == -12)
        let nothing = FakeNode { connection in
            var welcome = arena.welcome
            welcome.arenaByteCount = 0
            connection.welcome(welcome, descriptor: arena.descriptor)
        }
        #expect(CClient(connectingTo: nothing.path).status == -12)
    }

    @Test func `memory that can be cut off is not mapped`() {
        let arena = FakeArena(sealed: false)
        let node = FakeNode(Self.welcoming(arena))
        #expect(CClient(connectingTo: node.path).status == -12)
        #expect(CClient.lastError.contains("sealed"))
    }

    @Test func `an end during the hello and silence are told apart`() {
        let ending = FakeNode { _ = $0.receive() }
        #expect(CClient(connectingTo: ending.path).status == -3)
        let silent = FakeNode { $0.waitForEnd() }
        #expect(CClient(connectingTo: silent.path, connectMilliseconds: 100).status == -4)
        #expect(CClient(connectingTo: silent.path, connectMilliseconds: 100, later: true).status == 0)
    }

    @Test(arguments: [(UInt64(1 << 20), UInt64(1)), (1 << 19, 1 << 20), (.max, 2), (0, .max)])
    func `a place beyond the memory is never touched`(offset: UInt64, byteCount: UInt64) {
        let arena = FakeArena()
        let node = FakeNode(
            Self.welcoming(arena),
            Self.welcoming(arena) { connection in
                while let (header, _) = connection.receive() {
                    var lease = LocalLease(.ok)
                    (lease.offset, lease.valueByteCount, lease.identifier) = (offset, byteCount, 1)
                    var room = LocalRoom(.ok)
                    (room.offset, room.identifier) = (offset, 1)
                    var body: [UInt8] = []
                    if header.operation == .acquire {
                        lease.append(to: &body)
                    } else {
                        room.append(to: &body)
                    }
                    connection.answer(header, count: 1, body)
                }
            }
        )
        let client = CClient(connectingTo: node.path)
        #expect(client.get(["k"], byteCount: 8).status == -12)
        unsafe #expect(client.acquire(["k"]).status == -12)
        if offset > 1 << 19 { #expect(client.set([("k", [1, 2, 3])]).status == -12) }
    }

    @Test func `an answer to another request, or too short, is a fault of protocol`() {
        let arena = FakeArena()
        let node = FakeNode(
            Self.welcoming(arena),
            Self.welcoming(arena) { connection in
                guard var (header, _) = connection.receive() else { return }
                header.identifier += 1
                connection.answer(header, count: 1, [0, 0, 0, 0])
                connection.waitForEnd()
            },
            Self.welcoming(arena) { connection in
                while let (header, _) = connection.receive() { connection.answer(header, count: 1, [0, 0]) }
            }
        )
        let client = CClient(connectingTo: node.path)
        #expect(client.exists(["k"]).status == -12)
        #expect(client.exists(["k"]).status == -12)
        #expect(client.set([("k", [1])]).status == -12)
        #expect(client.lookUp(["k"], keeping: true).status == 0)
        #expect(client.statistics.connected == 0)
    }

    @Test func `a question whose connection broke is asked once more`() {
        let arena = FakeArena()
        let node = FakeNode(
            Self.welcoming(arena),
            Self.welcoming(arena) { _ = $0.receive() },
            Self.welcoming(arena) { connection in
                while let (header, _) = connection.receive() {
                    connection.answer(header, count: 1, [0, 0, 0, 0])
                }
            }
        )
        let client = CClient(connectingTo: node.path)
        #expect(client.exists(["k"]).results == [1])
    }

    @Test func `a removal whose connection broke is not`() {
        let arena = FakeArena()
        let node = FakeNode(Self.welcoming(arena), Self.welcoming(arena) { _ = $0.receive(8) })
        let client = CClient(connectingTo: node.path)
        #expect(client.remove(["k"]).status == -3)
    }

    @Test func `a node that answers half and no more is waited for no longer than said`() {
        let arena = FakeArena()
        let node = FakeNode(
            Self.welcoming(arena),
            Self.welcoming(arena) { connection in
                _ = connection.receive()
                connection.send([LocalHeader.magic, LocalOperation.exists.rawValue, 0, 0])
                connection.waitForEnd()
            }
        )
        let client = CClient(connectingTo: node.path, timeoutMilliseconds: 500)
        let start = ContinuousClock.now
        #expect(client.exists(["k"]).status == -4)
        #expect(ContinuousClock.now - start < .seconds(10))
    }
}
