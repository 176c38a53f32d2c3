import RepriseCore
import RepriseRemote
import RepriseWire
import Testing

@testable import RepriseReplay

struct RESPConnectionTests {
    private func words(_ peer: PeerSocket) -> [String]? {
        peer.receiveCommand()?.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `a hit fills the buffer and asks for the key`() throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        var buffer = TransferBuffer(byteCapacity: 0)
        peer.send("$3\r\na\r\n\r\n")
        let byteCount = try connection.get("k", into: &buffer)
        #expect(byteCount == 3)
        let payload = [UInt8](copying: buffer.prefix(3))
        #expect(payload == Array("a\r\n".utf8))
        #expect(words(peer) == ["GET", "k"])
    }

    @Test(arguments: ["$-1\r\n", "_\r\n"])
    func `a miss is nil and leaves the connection open`(miss: String) throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        var buffer = TransferBuffer(byteCapacity: 0)
        peer.send(miss + ":1\r\n:0\r\n")
        let byteCount = try connection.get("k", into: &buffer)
        #expect(byteCount == nil)
        let answers = [try connection.exists("k"), try connection.remove("k")]
        #expect(answers == [true, false])
        #expect(words(peer) == ["GET", "k"])
        #expect(words(peer) == ["EXISTS", "k"])
        #expect(words(peer) == ["DEL", "k"])
    }

    @Test(arguments: [0, 1, 16_380, 16_384, 100_000])
    func `values of every size arrive, also in single bytes`(byteCount: Int) throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        var buffer = TransferBuffer(byteCapacity: 0)
        let payload = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let reply = Array("$\(byteCount)\r\n".utf8) + payload + Array("\r\n".utf8)
        let thread = WorkerThread {
            if byteCount < 20_000 { for byte in reply { peer.send([byte]) } }
            peer.send(reply + reply)
        }
        defer { thread.join() }
        for _ in 0..<(byteCount < 20_000 ? 3 : 2) {
            let received = try connection.get("k", into: &buffer)
            #expect(received == byteCount)
            let bytes = [UInt8](copying: buffer.prefix(byteCount))
            #expect(bytes == payload)
        }
    }

    @Test func `a put sends its payload within one command and awaits the reply`() throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        let payload: [UInt8] = [0x0D, 0x0A, 0, 0xFF]
        peer.send("+OK\r\n")
        try connection.put("k", payload.rawSpan)
        #expect(peer.receiveCommand() == [Array("SET".utf8), Array("k".utf8), payload])
        #expect(peer.isDrained)
    }

    @Test func `an error reply is rejected with the server's text and the connection goes on`() throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        var buffer = TransferBuffer(byteCapacity: 0)
        peer.send("-OOM no room\r\n-NOAUTH who are you\r\n-ERR what\r\n!8\r\nERR long\r\n+PONG\r\n")
        var texts: [String] = []
        texts.append(message(.rejected) { () throws(RemoteError) in try connection.put("k", RawSpan()) })
        texts.append(
            message(.rejected) { () throws(RemoteError) in _ = try connection.get("k", into: &buffer) }
        )
        texts.append(message(.rejected) { () throws(RemoteError) in _ = try connection.exists("k") })
        texts.append(message(.rejected) { () throws(RemoteError) in _ = try connection.info() })
        #expect(texts == ["OOM no room", "NOAUTH who are you", "ERR what", "ERR long"])
        try connection.ping()
        let isOpen = connection.isOpen
        #expect(isOpen)
    }

    @Test(arguments: ["+OK\r\n", ":1\r\n", "*1\r\n:1\r\n", "HTTP/1.1\r\n", "$-5\r\n", "$1\r\nab\r\n"])
    func `what is no answer to GET closes the connection`(reply: String) throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        var buffer = TransferBuffer(byteCapacity: 0)
        peer.send(reply)
        _ = message(.protocolViolation) { () throws(RemoteError) in
            _ = try connection.get("k", into: &buffer)
        }
        let isOpen = connection.isOpen
        #expect(!isOpen)
        _ = message(.closed) { () throws(RemoteError) in _ = try connection.exists("k") }
    }

    @Test(arguments: [0, 2, 4, 6, 9])
    func `a stream that ends within a reply closes the connection`(byteCount: Int) throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        var buffer = TransferBuffer(byteCapacity: 0)
        peer.send(Array("$5\r\nabcde\r\n".utf8.prefix(byteCount)))
        peer.endStream()
        _ = message(.closed) { () throws(RemoteError) in _ = try connection.get("k", into: &buffer) }
    }

    @Test func `a value over the caller's limit is refused before memory is taken`() throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        var buffer = TransferBuffer(byteCapacity: 8)
        peer.send("$100\r\n")
        _ = message(.tooLarge) { () throws(RemoteError) in
            _ = try connection.get("k", into: &buffer, limit: 99)
        }
        let byteCapacity = buffer.byteCapacity
        #expect(byteCapacity == 8)
    }

    @Test func `a key over the limit is refused and nothing is sent`() throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        let key = StorageKey([UInt8](repeating: 1, count: RESPConnection.keyByteCountMax + 1))
        _ = message(.invalidArgument) { () throws(RemoteError) in _ = try connection.exists(key) }
        #expect(peer.isDrained)
    }

    @Test func `what the server sends unasked is dropped`() throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        peer.send(">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n:1\r\n")
        let exists = try connection.exists("k")
        #expect(exists)
    }

    @Test func `keys are listed step by step and each once`() throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        peer.send("*2\r\n$2\r\n17\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n")
        peer.send("*2\r\n$1\r\n9\r\n*0\r\n*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$1\r\nc\r\n")
        let keys = try connection.list()
        #expect(keys.count == 3 && Set(keys) == ["a", "b", "c"])
        #expect([words(peer), words(peer), words(peer)].map { $0?[1] } == ["0", "17", "9"])
    }

    @Test(arguments: ["=9\r\ntxt:# A\r\n\r\n", "$5\r\n# A\r\n\r\n"])
    func `statistics come as text`(reply: String) throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        peer.send(reply)
        let text = try connection.info()
        #expect(text == "# A\r\n")
        #expect(words(peer) == ["INFO", "everything"])
    }

    @Test func `a server that does not know everything is asked for all`() throws {
        let peer = PeerSocket()
        var connection = peer.respConnection()
        peer.send("$0\r\n\r\n$3\r\n# A\r\n")
        let text = try connection.info()
        #expect(text == "# A")
        #expect(words(peer) == ["INFO", "everything"])
        #expect(words(peer) == ["INFO", "all"])
    }

    @Test func `a silent peer times out`() throws {
        let peer = PeerSocket()
        peer.limitClientReceives(microseconds: 1)
        var connection = peer.respConnection()
        _ = message(.timedOut) { () throws(RemoteError) in try connection.ping() }
    }

    private func message(_ code: RemoteError.Code, _ body: () throws(RemoteError) -> Void) -> String {
        do {
            try body()
            Issue.record("nothing was thrown; expected \(code)")
            return ""
        } catch {
            #expect(error.code == code, "\(error)")
            return error.message
        }
    }
}
