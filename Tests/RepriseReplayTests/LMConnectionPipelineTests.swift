import RepriseCore
import RepriseRemote
import RepriseWire
import Testing

@testable import RepriseReplay

struct LMConnectionPipelineTests {
    private static func key(_ index: Int) -> StorageKey { StorageKey("replay@1@0@\(index)@bfloat16") }

    @Test(arguments: [1, 63, 64, 65, 500])
    func `replies come in the order of the keys`(count: Int) throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        let thread = WorkerThread {
            for index in 0..<count {
                _ = peer.receive(LMDialect.current.requestHeaderByteCount)
                let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: index % 7)
                let reply =
                    index % 3 == 0
                    ? .miss : LMReplyHeader.hit(.plain(byteCount: index % 7), byteCount: index % 7)
                peer.send(reply.encoded(dialect: .current) + (index % 3 == 0 ? [] : payload))
            }
        }
        defer { thread.join() }
        var buffer = TransferBuffer(byteCapacity: 16)
        var next = 0
        try connection.pipeline(.get, (0..<count).map(Self.key), into: &buffer) { index, reply, payload in
            #expect(index == next)
            #expect((reply == nil) == (index % 3 == 0))
            let expected = [UInt8](
                repeating: UInt8(truncatingIfNeeded: index),
                count: index % 3 == 0 ? 0 : index % 7
            )
            #expect([UInt8](copying: payload) == expected)
            next += 1
        }
        #expect(next == count)
    }

    @Test func `a peer that never reads while it writes does not deadlock with small buffers`() throws {
        // Both buffers hold less than one reply and about ten requests; the peer answers one request at a
        // time, blocking.
        let peer = PeerSocket(bufferByteCount: 2048)
        var connection = peer.connection()
        let payload = [UInt8](repeating: 0xA5, count: 40_000)
        let thread = WorkerThread {
            for _ in 0..<200 {
                _ = peer.receive(LMDialect.current.requestHeaderByteCount)
                peer.send(
                    LMReplyHeader.hit(.plain(byteCount: 40_000), byteCount: 40_000).encoded(dialect: .current)
                )
                peer.send(payload)
            }
        }
        defer { thread.join() }
        var buffer = TransferBuffer(byteCapacity: 40_000)
        var byteCount = 0
        try connection.pipeline(.get, (0..<200).map(Self.key), into: &buffer) { _, _, payload in
            byteCount += payload.byteCount
        }
        #expect(byteCount == 8_000_000)
    }

    @Test func `a bad key among good ones is refused before anything is sent`() {
        let peer = PeerSocket()
        var connection = peer.connection()
        var buffer = TransferBuffer(byteCapacity: 0)
        var code: RemoteError.Code?
        do throws(RemoteError) {
            try connection.pipeline(.exist, ["a@1@0@1@half", ""], into: &buffer) { _, _, _ in }
        } catch {
            code = error.code
        }
        #expect(code == .invalidArgument)
        #expect(peer.isDrained)
    }
}
