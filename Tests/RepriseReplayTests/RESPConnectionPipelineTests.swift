import RepriseCore
import RepriseRemote
import RepriseWire
import Testing

@testable import RepriseReplay

struct RESPConnectionPipelineTests {
    // Lengths differ, so that requests do.
    private static func key(_ index: Int) -> StorageKey {
        StorageKey("k" + String(repeating: "x", count: index % 50) + "\(index)")
    }

    private static func reply(_ index: Int) -> [UInt8] {
        if index % 3 == 0 { return Array("_\r\n".utf8) }
        let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: index % 7)
        return Array("$\(payload.count)\r\n".utf8) + payload + Array("\r\n".utf8)
    }

    @Test(arguments: [1, 63, 64, 65, 500])
    func `replies come in the order of the keys`(count: Int) throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        let thread = WorkerThread {
            for index in 0..<count {
                let command = peer.receiveCommand()
                #expect(command == [Array("GET".utf8), Self.key(index).bytes])
                peer.send(Self.reply(index))
            }
        }
        defer { thread.join() }
        var buffer = TransferBuffer(byteCapacity: 0)
        var next = 0
        try connection.pipeline(.get, (0..<count).map(Self.key), into: &buffer) { index, isHit, payload in
            #expect(index == next)
            #expect(isHit == (index % 3 != 0))
            let byteCount = index % 3 == 0 ? 0 : index % 7
            let expected = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: byteCount)
            #expect([UInt8](copying: payload) == expected)
            next += 1
        }
        #expect(next == count)
    }

    @Test func `a peer that never reads while it writes does not deadlock with small buffers`() throws {
        let peer = PeerSocket(bufferByteCount: 2048)
        var connection = peer.respConnection()
        let reply = Array("$40000\r\n".utf8) + [UInt8](repeating: 0xA5, count: 40_000) + Array("\r\n".utf8)
        let thread = WorkerThread {
            for _ in 0..<200 {
                _ = peer.receiveCommand()
                peer.send(reply)
            }
        }
        defer { thread.join() }
        var buffer = TransferBuffer(byteCapacity: 40_000)
        var byteCount = 0
        let keys = (0..<200).map { StorageKey("\(String(repeating: "k", count: 150))\($0)") }
        try connection.pipeline(.get, keys, into: &buffer) { _, _, payload in byteCount += payload.byteCount }
        #expect(byteCount == 8_000_000)
    }

    @Test func `existence and removal can be pipelined`() throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        var buffer = TransferBuffer(byteCapacity: 0)
        var hits: [Bool] = []
        peer.send(":1\r\n:0\r\n:0\r\n:1\r\n")
        try connection.pipeline(.exist, ["a", "b"], into: &buffer) { _, isHit, _ in hits.append(isHit) }
        try connection.pipeline(.remove, ["a", "b"], into: &buffer) { _, isHit, _ in hits.append(isHit) }
        #expect(hits == [true, false, false, true])
    }

    @Test func `an error reply among others is thrown in the end and the connection goes on`() throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        var buffer = TransferBuffer(byteCapacity: 0)
        peer.send("$1\r\na\r\n-WRONGTYPE no\r\n-ERR later\r\n$1\r\nd\r\n+PONG\r\n")
        var indices: [Int] = []
        var failure: RemoteError?
        do throws(RemoteError) {
            try connection.pipeline(.get, ["a", "b", "c", "d"], into: &buffer) { index, _, _ in
                indices.append(index)
            }
        } catch {
            failure = error
        }
        #expect(indices == [0, 3])
        #expect(failure == RemoteError(.rejected, "WRONGTYPE no"))
        try connection.ping()
    }

    @Test(arguments: [(1, 10), (200, 10), (40, 100_000)])
    func `values are stored in order, also when buffers are small`(count: Int, byteCount: Int) throws {
        let peer = PeerSocket(bufferByteCount: 2048)
        var connection = peer.respConnection()
        let bytes = (0..<(count * byteCount)).map { UInt8(truncatingIfNeeded: $0 / byteCount &* 31 &+ $0) }
        let thread = WorkerThread {
            for index in 0..<count {
                let payload = Array(bytes[(index * byteCount)..<((index + 1) * byteCount)])
                #expect(peer.receiveCommand() == [Array("SET".utf8), Self.key(index).bytes, payload])
                peer.send(index % 5 == 4 ? "-OOM no room\r\n" : "+OK\r\n")
            }
        }
        defer { thread.join() }
        let keys = (0..<count).map(Self.key)
        let noRoomCount = try connection.putAll(keys, bytes.rawSpan, payloadByteCount: byteCount)
        #expect(noRoomCount == count / 5)
    }

    @Test func `a put that is refused for another reason is thrown after the rest`() throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        peer.send("+OK\r\n-NOPERM no\r\n+OK\r\n+PONG\r\n")
        var failure: RemoteError?
        do throws(RemoteError) {
            _ = try connection.putAll(["a", "b", "c"], [1, 2, 3].rawSpan, payloadByteCount: 1)
        } catch {
            failure = error
        }
        #expect(failure == RemoteError(.rejected, "NOPERM no"))
        try connection.ping()
    }
}
