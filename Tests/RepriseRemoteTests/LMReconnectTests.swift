import RepriseCore
import RepriseRemote
import RepriseTesting
import RepriseWire
import Testing

/// K36 to K42: an lm server that dies in the middle of things, and a client that goes on.
@Suite struct LMReconnectTests {
    private let memory: LocalCPUBackend
    private let object: MemoryObject
    private let payload = TestMemory.bytes(16)

    init() throws {
        memory = try TestMemory.make()
        object = try TestMemory.object(memory)
    }

    private static let headerByteCount = LMDialect.current.requestHeaderByteCount
    private static let yes = LMReplyHeader.found.encoded(dialect: .current)
    private static let no = LMReplyHeader.miss.encoded(dialect: .current)
    private static let hit = LMReplyHeader.hit(
        MemoryObjectMetadata(shape: [1, 1, 2, 8], dtype: .uint8, format: .kv2LTD),
        byteCount: 16
    ).encoded(dialect: .current)

    private func connector(_ server: ScriptedServer) -> LMConnector {
        let timeouts = RemoteTimeouts(connect: .seconds(5), transfer: .seconds(5))
        return LMConnector(server.url(.lm), timeouts: timeouts)
    }

    @Test func `one connection is enough for a put, a question and a get`() throws {
        let bytes = payload
        let stored = Lock<[UInt8]>([])
        let server = ScriptedServer { peer in
            _ = peer.receive(Self.headerByteCount)
            stored.withLock { $0 = peer.receive(16) }
            for _ in 0..<2 {
                _ = peer.receive(Self.headerByteCount)
                peer.send(Self.yes)
            }
            _ = peer.receive(Self.headerByteCount)
            peer.send(Self.hit + bytes)
            _ = peer.isEnded()
        }
        defer { server.stop() }
        let connector = connector(server)
        try connector.put("k", object)
        #expect(try connector.exists(["k"]) == [true])
        let value = try connector.get("k", TestMemory.Allocator(memory).allocate)
        #expect(value.object?.metadata == object.metadata)
        #expect(TestMemory.take(value.object) == payload)
        #expect(stored.withLock { $0 } == payload)
        #expect(server.acceptedCount == 1)
        connector.close()
    }

    @Test func `a reset after the question is asked again on a second connection`() throws {
        let server = ScriptedServer { peer in
            if peer.number == 0 {
                // A first answer, so that the connection is an old one.
                _ = peer.receive(Self.headerByteCount)
                peer.send(Self.no)
            }
            _ = peer.receive(Self.headerByteCount)
            guard peer.number > 0 else { return peer.reset() }
            peer.send(Self.yes)
            _ = peer.isEnded()
        }
        defer { server.stop() }
        let connector = connector(server)
        #expect(try connector.exists(["k"]) == [false])
        #expect(try connector.exists(["k"]) == [true])
        #expect(server.acceptedCount == 2)
        connector.close()
    }

    @Test func `a value that ends too early is given back and fetched again`() throws {
        let bytes = payload
        let server = ScriptedServer { peer in
            if peer.number == 0 {
                _ = peer.receive(Self.headerByteCount)
                peer.send(Self.no)
            }
            _ = peer.receive(Self.headerByteCount)
            peer.send(Self.hit + bytes.prefix(peer.number == 0 ? 5 : 16))
            if peer.number > 0 { _ = peer.isEnded() }
        }
        defer { server.stop() }
        let connector = connector(server)
        let allocator = TestMemory.Allocator(memory)
        _ = try connector.exists(["k"])
        let value = try connector.get("k", allocator.allocate)
        #expect(allocator.freedCount == 1)
        #expect(TestMemory.take(value.object) == payload)
        #expect(allocator.freedCount == 2)
        #expect(server.acceptedCount == 2)
        connector.close()
    }

    @Test func `a put that is reset is sent again as it was`() throws {
        let stored = Lock<[[UInt8]]>([])
        let server = ScriptedServer { peer in
            if peer.number == 0 {
                _ = peer.receive(Self.headerByteCount)
                peer.send(Self.no)
                _ = peer.receive(Self.headerByteCount + 5)
                return peer.reset()
            }
            let header = peer.receive(Self.headerByteCount)
            let body = peer.receive(16)
            stored.withLock { $0 = [header, body] }
            for _ in 0..<2 {
                _ = peer.receive(Self.headerByteCount)
                peer.send(Self.yes)
            }
            _ = peer.isEnded()
        }
        defer { server.stop() }
        let connector = connector(server)
        _ = try connector.exists(["k"])
        try connector.put("k", object)
        #expect(try connector.exists(["k"]) == [true])
        #expect(stored.withLock { $0.last } == payload)
        #expect(server.acceptedCount == 2)
        connector.close()
    }

    @Test func `a value without memory costs the connection, and the next one is right`() throws {
        let bytes = payload
        let ended = Lock(false)
        let server = ScriptedServer { peer in
            _ = peer.receive(Self.headerByteCount)
            peer.send(Self.hit + (peer.number == 0 ? [UInt8](repeating: 9, count: 16) : bytes))
            let isEnded = peer.isEnded()
            if peer.number == 0 { ended.withLock { $0 = isEnded } }
        }
        defer { server.stop() }
        let connector = connector(server)
        let allocator = TestMemory.Allocator(memory, refusing: 1)
        guard case .outOfMemory = try connector.get("k", allocator.allocate) else {
            Issue.record("a value was found without memory for it")
            return
        }
        #expect(TestMemory.take(try connector.get("k", allocator.allocate).object) == payload)
        #expect(server.acceptedCount == 2)
        connector.close()
        server.stop()
        #expect(ended.withLock { $0 })
    }

    @Test func `nothing is asked after close, and no socket is opened`() throws {
        let server = ScriptedServer { peer in _ = peer.isEnded() }
        defer { server.stop() }
        let connector = connector(server)
        connector.close()
        connector.close()
        let allocator = TestMemory.Allocator(memory)
        let calls: [() throws -> Void] = [
            { try connector.ping() }, { _ = try connector.exists(["k"]) }, { try connector.put("k", object) },
            { _ = try connector.get("k", allocator.allocate) }, { _ = try connector.remove("k") },
            { _ = try connector.list() },
        ]
        for call in calls {
            let error = #expect(throws: RemoteError.self) { try call() }
            #expect(error?.code == .closed)
        }
        #expect(server.acceptedCount == 0)
    }

    @Test func `a server that is gone is an error, and one that is back is used`() throws {
        let first = ScriptedServer { peer in
            _ = peer.receive(Self.headerByteCount)
            peer.send(Self.no)
        }
        let connector = connector(first)
        #expect(try connector.exists(["k"]) == [false])
        let port = first.port
        first.stop()
        let error = #expect(throws: RemoteError.self) { _ = try connector.exists(["k"]) }
        #expect(error?.code == .refused)
        let second = ScriptedServer(port: port) { peer in
            _ = peer.receive(Self.headerByteCount)
            peer.send(Self.yes)
            _ = peer.isEnded()
        }
        defer { second.stop() }
        #expect(try connector.exists(["k"]) == [true])
        connector.close()
    }

    @Test func `an answer that is none is an error, said once, and the connection is dropped`() throws {
        let ended = Lock(false)
        let server = ScriptedServer { peer in
            _ = peer.receive(Self.headerByteCount)
            var reply = Self.yes
            if peer.number == 0 { (reply[0], reply[1]) = (0xE7, 0x03) }
            peer.send(reply)
            let isEnded = peer.isEnded()
            if peer.number == 0 { ended.withLock { $0 = isEnded } }
        }
        defer { server.stop() }
        let connector = connector(server)
        let error = #expect(throws: RemoteError.self) { _ = try connector.exists(["k"]) }
        #expect(error?.code == .protocolViolation)
        #expect(error?.message.contains("999") == true)
        #expect(server.acceptedCount == 1)
        #expect(try connector.exists(["k"]) == [true])
        #expect(server.acceptedCount == 2)
        connector.close()
        server.stop()
        #expect(ended.withLock { $0 })
    }

    @Test func `a call ends at its deadline however much progress the server makes`() throws {
        let server = ScriptedServer { peer in
            _ = peer.receive(Self.headerByteCount)
            peer.send(Self.hit)
            for _ in 0..<16 {
                Thread.sleep(milliseconds: 100)
                peer.send([1])
            }
        }
        defer { server.stop() }
        let timeouts = RemoteTimeouts(connect: .seconds(5), transfer: .milliseconds(150))
        let connector = LMConnector(server.url(.lm), timeouts: timeouts)
        connector.deadline = .now + .milliseconds(300)
        let allocator = TestMemory.Allocator(memory)
        let error = #expect(throws: RemoteError.self) { _ = try connector.get("k", allocator.allocate) }
        #expect(error?.code == .timedOut)
        #expect(allocator.freedCount == 1)
        connector.close()
    }
}
