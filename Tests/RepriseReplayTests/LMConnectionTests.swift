import RepriseCore
import RepriseRemote
import RepriseWire
import Testing

@testable import RepriseReplay

struct LMConnectionTests {
    private let key: StorageKey = "model@1@0@abc@bfloat16"

    private func hit(_ payload: [UInt8], dialect: LMDialect = .current) -> [UInt8] {
        let metadata = MemoryObjectMetadata.plain(byteCount: payload.count)
        return LMReplyHeader.hit(metadata, byteCount: payload.count).encoded(dialect: dialect) + payload
    }

    @Test(arguments: LMDialect.allCases)
    func `a hit fills the buffer and asks for the key`(dialect: LMDialect) throws {
        let peer = PeerSocket()
        var connection = peer.connection(dialect: dialect)
        var buffer = TransferBuffer(byteCapacity: 0)
        peer.send(hit([7, 8, 9], dialect: dialect))
        let reply = try connection.get(key, into: &buffer)
        #expect(reply?.payloadByteCount == 3)
        let payload = [UInt8](copying: buffer.prefix(3))
        #expect(payload == [7, 8, 9])
        let request = try LMRequest(.get, key: key).encoded(dialect: dialect)
        #expect(peer.receive(request.count) == request)
    }

    @Test func `a miss is nil and leaves the connection open`() throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        var buffer = TransferBuffer(byteCapacity: 16)
        peer.send(
            LMReplyHeader.miss.encoded(dialect: .current) + LMReplyHeader.found.encoded(dialect: .current)
        )
        let reply = try connection.get(key, into: &buffer)
        #expect(reply == nil)
        let exists = try connection.exists(key)
        #expect(exists)
    }

    @Test func `a put sends header and payload`() throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        let payload: [UInt8] = [1, 2, 3, 4]
        let metadata = MemoryObjectMetadata(
            verbatimFormat: 1,
            dtype: 3,
            shape: TensorShape(verbatim: [2, 1, 1, 1]),
            origin: .lm
        )
        try connection.put(key, payload.rawSpan, metadata: metadata)
        let header = try LMRequest(.put, key: key, metadata: metadata, payloadByteCount: 4).encoded(
            dialect: .current
        )
        #expect(peer.receive(header.count + 4) == header + payload)
        #expect(peer.isDrained)
    }

    @Test func `a reply in single bytes is put together`() throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        var buffer = TransferBuffer(byteCapacity: 0)
        let payload = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
        let bytes = hit(payload)
        let thread = WorkerThread { for byte in bytes { peer.send([byte]) } }
        defer { thread.join() }
        let reply = try connection.get(key, into: &buffer)
        #expect(reply != nil)
        let received = [UInt8](copying: buffer.prefix(300))
        #expect(received == payload)
    }

    @Test(arguments: [0, 1, 35, 36, 40])
    func `a stream that ends within a reply closes the connection`(byteCount: Int) throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        var buffer = TransferBuffer(byteCapacity: 64)
        peer.send(Array(hit([1, 2, 3, 4, 5]).prefix(byteCount)))
        peer.endStream()
        expect(.closed) { () throws(RemoteError) in _ = try connection.get(key, into: &buffer) }
        let isOpen = connection.isOpen
        #expect(!isOpen)
        expect(.closed) { () throws(RemoteError) in _ = try connection.exists(key) }
    }

    @Test(arguments: [(offset: 0, value: UInt8(99)), (offset: 7, value: 0x80)])
    func `an unknown code or a negative length is a violation`(offset: Int, value: UInt8) throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        var buffer = TransferBuffer(byteCapacity: 64)
        var bytes = hit([1])
        bytes[offset] = value
        peer.send(bytes)
        expect(.protocolViolation) { () throws(RemoteError) in _ = try connection.get(key, into: &buffer) }
        let isOpen = connection.isOpen
        #expect(!isOpen)
    }

    @Test func `a payload where none belongs is a violation`() throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        peer.send(hit([1, 2]))
        expect(.protocolViolation) { () throws(RemoteError) in _ = try connection.exists(key) }
        let isOpen = connection.isOpen
        #expect(!isOpen)
    }

    @Test func `a value over the caller's limit is refused before memory is taken`() throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        var buffer = TransferBuffer(byteCapacity: 8)
        peer.send(hit([UInt8](repeating: 1, count: 100)))
        expect(.tooLarge) { () throws(RemoteError) in _ = try connection.get(key, into: &buffer, limit: 99) }
        let byteCapacity = buffer.byteCapacity
        #expect(byteCapacity == 8)
    }

    @Test func `a silent peer times out`() throws {
        let peer = PeerSocket()
        peer.limitClientReceives(microseconds: 1)
        var connection = peer.connection()
        expect(.timedOut) { () throws(RemoteError) in try connection.ping() }
        let isOpen = connection.isOpen
        #expect(!isOpen)
    }

    @Test(arguments: ["", " a", String(repeating: "k", count: 151)])
    func `a key that the wire cannot carry is refused and nothing is sent`(text: String) throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        expect(.invalidArgument) { () throws(RemoteError) in _ = try connection.exists(StorageKey(text)) }
        let isOpen = connection.isOpen
        #expect(isOpen)
        #expect(peer.isDrained)
    }

    @Test func `a payload that contradicts its shape is refused`() throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        let payload: [UInt8] = [1, 2, 3]
        let metadata = MemoryObjectMetadata(
            verbatimFormat: 1,
            dtype: 3,
            shape: TensorShape(verbatim: [2, 1, 1, 1]),
            origin: .lm
        )
        expect(.invalidArgument) { () throws(RemoteError) in
            try connection.put(key, payload.rawSpan, metadata: metadata)
        }
        #expect(peer.isDrained)
    }

    @Test func `keys are listed`() throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        peer.send(hit(Array("a\nb@c".utf8)) + hit([]))
        let keys = try connection.list()
        #expect(keys == ["a", "b@c"])
        let none = try connection.list()
        #expect(none.isEmpty)
    }

    @Test func `a server without removal is named as such`() throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        peer.endStream()
        let error = expect(.closed) { () throws(RemoteError) in _ = try connection.remove(key) }
        #expect(error?.message.contains("LMCache's own server does not") == true)
    }

    @Test func `a node that is not healthy is rejected`() throws {
        let peer = PeerSocket()
        var connection = peer.connection()
        peer.send(LMReplyHeader.miss.encoded(dialect: .current))
        expect(.rejected) { () throws(RemoteError) in try connection.ping() }
    }

    @discardableResult
    private func expect(
        _ code: RemoteError.Code,
        _ body: () throws(RemoteError) -> Void
    ) -> RemoteError? {
        do {
            try body()
            Issue.record("nothing was thrown; expected \(code)")
            return nil
        } catch {
            #expect(error.code == code)
            return error
        }
    }
}
