import CReprise
import RepriseCore
import RepriseWire
import Synchronization
import Testing

/// What a client says to a node that does not give everything at once.
@Suite struct `Conversations` {
    private static func leaseAnswer(_ elements: [LocalLease]) -> [UInt8] {
        var body: [UInt8] = []
        for element in elements { element.append(to: &body) }
        return body
    }

    private static func value(at offset: Int, _ identifier: UInt64) -> LocalLease {
        LocalLease(offset: offset, valueByteCount: 4, identifier: identifier, metadata: .plain(byteCount: 4))
    }

    private final class Log: Sendable {
        let operations = Lock<[String]>([])
        func add(_ header: LocalHeader) {
            operations.withLock { $0.append("\(header.operation) \(header.count) \(header.argument)") }
        }
        var all: [String] { operations.withLock { $0 } }
    }

    @Test func `what the node has room for later is asked for again`() {
        let (arena, log) = (FakeArena(), Log())
        let node = FakeNode { connection in
            connection.welcome(arena.welcome, descriptor: arena.descriptor)
            var number = 0
            while let (header, _) = connection.receive() {
                log.add(header)
                var body: [UInt8] = []
                if header.operation == .reserve {
                    for position in 0..<header.count {
                        number += 1
                        let room = LocalRoom(offset: 4096 * number, identifier: UInt64(number))
                        (position == 0 ? room : LocalRoom(.later)).append(to: &body)
                    }
                } else {
                    body = [UInt8](repeating: 0, count: 4 * header.count)
                }
                connection.answer(header, count: header.count, body)
            }
        }
        let client = CClient(connectingTo: node.path)
        let values: [(String, [UInt8])] = [("a", [1, 1, 1]), ("b", [2, 2]), ("c", [3])]
        let set = client.set(values)
        #expect(set.status == 0 && set.results == [0, 0, 0])
        #expect(
            log.all == [
                "reserve 3 0", "commit 1 0", "reserve 2 0", "commit 1 0", "reserve 1 0", "commit 1 0",
            ]
        )
        #expect(arena.read(3, at: 4096) == [1, 1, 1])
        #expect(arena.read(2, at: 4096 * 4) == [2, 2])
        #expect(arena.read(1, at: 4096 * 6) == [3])
    }

    @Test func `values over the session's limit are asked for again after the others are given back`() {
        let (arena, log) = (FakeArena(), Log())
        arena.write([1, 2, 3, 4, 5, 6, 7, 8], at: 0)
        let node = FakeNode { connection in
            connection.welcome(arena.welcome, descriptor: arena.descriptor)
            while let (header, _) = connection.receive() {
                log.add(header)
                guard header.operation == .acquire else { continue }
                let elements =
                    header.count == 3
                    ? [Self.value(at: 0, 5), LocalLease(.missing), LocalLease(.limitReached)]
                    : [Self.value(at: 4, 6)]
                connection.answer(header, count: header.count, Self.leaseAnswer(elements))
            }
        }
        let client = CClient(connectingTo: node.path)
        let got = client.get(["a", "b", "c"], byteCount: 4, lookup: 9)
        #expect(got.results == [4, -1, 4])
        #expect(got.values == [[1, 2, 3, 4], [0, 0, 0, 0], [5, 6, 7, 8]])
        #expect(log.all.prefix(3) == ["acquire 3 9", "release 1 0", "acquire 1 0"])
    }

    @Test func `a limit that nobody lifts ends with no room when the time is over`() {
        let arena = FakeArena()
        let node = FakeNode { connection in
            connection.welcome(arena.welcome, descriptor: arena.descriptor)
            while let (header, _) = connection.receive() {
                let isRead = header.operation == .acquire
                var body = isRead ? Self.leaseAnswer([LocalLease(.limitReached)]) : []
                if !isRead { LocalRoom(.limitReached).append(to: &body) }
                connection.answer(header, count: 1, body)
            }
        }
        let client = CClient(connectingTo: node.path, timeoutMilliseconds: 1000)
        #expect(client.get(["a"], byteCount: 4).results == [-9])
        #expect(client.set([("a", [1])]).results == [-9])
        unsafe #expect(client.acquire(["a"]).results == [-9])
    }

    @Test func `a client that may not write sends its values through the socket`() {
        let arena = FakeArena()
        let received = Lock<[UInt8]>([])
        let node = FakeNode { connection in
            var welcome = arena.welcome
            welcome.isWritable = false
            connection.welcome(welcome, descriptor: arena.descriptor)
            while let (header, _) = connection.receive() {
                guard header.operation == .put, let bytes = connection.receive(Int(header.argument)) else {
                    return
                }
                received.withLock { $0 += bytes }
                connection.answer(header, status: bytes.count > 3 ? .tooLarge : .ok)
            }
        }
        let client = CClient(connectingTo: node.path)
        #expect(client.set([("a", [1, 2, 3]), ("b", [4, 5, 6, 7])]).results == [0, -9])
        #expect(received.withLock { $0 } == [4, 5, 6, 7, 1, 2, 3])
    }

    @Test func `a connection that the node has ended is kept open as long as there are views of it`() {
        let arena = FakeArena()
        arena.write([9, 8, 7, 6], at: 100)
        let (isEnded, isClosed) = (Lock(false), Lock(false))
        let node = FakeNode(
            { connection in
                connection.welcome(arena.welcome, descriptor: arena.descriptor)
                connection.waitForEnd()
            },
            { connection in
                connection.welcome(arena.welcome, descriptor: arena.descriptor)
                guard let (header, _) = connection.receive() else { return }
                connection.answer(header, count: 1, Self.leaseAnswer([Self.value(at: 100, 1)]))
                connection.endSending()
                isEnded.withLock { $0 = true }
                connection.waitForEnd()
                isClosed.withLock { $0 = true }
            }
        )
        let client = CClient(connectingTo: node.path)
        let acquired = unsafe client.acquire(["a"])
        unsafe #expect(acquired.results == [4])
        while !isEnded.withLock({ $0 }) { Thread.pause() }
        // Another call finds the connection broken, and takes another one.
        #expect(client.statistics.leases == 1)
        for _ in 0..<20 { Thread.pause() }
        #expect(!isClosed.withLock { $0 })
        // SAFETY: the lease is held.
        #expect(
            unsafe Array(UnsafeRawBufferPointer(start: acquired.views[0].data, count: 4)) == [9, 8, 7, 6]
        )
        #expect(unsafe client.release([acquired.views[0].lease]) == 0)
        while !isClosed.withLock({ $0 }) { Thread.pause() }
    }
}
