import RepriseCore
import RepriseServer
import RepriseWire
import Testing

@Suite struct `Values in replies that wait` {
    @Test(arguments: [false, true])
    func `a value that is overwritten, removed and refilled while it is read comes whole`(isUnix: Bool) throws
    {
        var limits = ServerLimits()
        limits.heldFractionDivisor = 1
        let server = try TestServer(memoryByteCount: 16 << 20, isUnix: isUnix, limits: limits)
        let reader = try server.connect(receiveBufferByteCount: 32_768)
        let old = payload(seed: 1, 6 << 20)
        try reader.put("a", old)
        try reader.send(try reader.request(.get, "a"))
        server.wait("reprise_get_hits_total", is: 1)
        let writer = try server.connect()
        try writer.put("a", payload(seed: 2, 6 << 20))
        #expect(try writer.get("a") == payload(seed: 2, 6 << 20))
        #expect(try writer.ask(.remove, "a"))
        for index in 0..<60 { try writer.put(StorageKey("\(index)"), payload(seed: index, 300_000)) }
        #expect(try writer.ask(.exist, "59"))
        #expect(server.statistic("reprise_evictions_total") > 0)
        #expect(server.statistic("reprise_reply_held_bytes") == 6 << 20)
        #expect(try reader.receiveReply().payload == old)
        #expect(try reader.get("a") == nil)
        reader.close()
        writer.close()
        server.expectNothingLeaked()
    }

    @Test(arguments: [false, true])
    func `values of a client that goes without reading are let go`(isReset: Bool) throws {
        let server = try TestServer(memoryByteCount: 16 << 20)
        let reader = try server.connect(receiveBufferByteCount: 32_768)
        try reader.put("a", payload(seed: 1, 6 << 20))
        try reader.send(try reader.request(.get, "a") + reader.request(.get, "a"))
        server.wait("a value is held") { server.statistic("reprise_reply_held_bytes") >= 6 << 20 }
        if isReset { reader.reset() } else { reader.close() }
        server.expectNothingLeaked()
    }

    /// A server on 16 MiB, of which 8 may be held by replies, and a reader whose four GETs of 6 MiB wait for
    /// it.
    fileprivate static func crowd(_ limits: ServerLimits) throws -> (server: TestServer, reader: TestClient) {
        let server = try TestServer(memoryByteCount: 16 << 20, limits: limits)
        let reader = try server.connect(receiveBufferByteCount: 32_768)
        try reader.put("a", payload(seed: 1, 6 << 20))
        let get = try reader.request(.get, "a")
        try reader.send(get + get + get + get)
        server.wait("a value is held") { server.statistic("reprise_reply_held_bytes") == 6 << 20 }
        return (server, reader)
    }

    @Test func `a GET that waits for others' replies is answered when they are sent`() throws {
        var limits = ServerLimits()
        limits.roomWaitMax = .seconds(300)
        let (server, reader) = try Self.crowd(limits)
        let other = try server.connect()
        try other.send(try other.request(.get, "a"))
        #expect(try server.connect().ask(.health))
        #expect(!other.hasBytes)
        // Either may be answered first, and the one keeps the other waiting until it is read.
        let isAnswered = Lock(false)
        let otherReader = Thread(name: "reader") {
            let value = try? other.receiveReply().payload
            isAnswered.withLock { $0 = value == payload(seed: 1, 6 << 20) }
        }
        for _ in 0..<4 { #expect(try reader.receiveReply().payload == payload(seed: 1, 6 << 20)) }
        otherReader.join()
        #expect(isAnswered.withLock { $0 })
    }

    @Test func `a GET that waits too long for others is a miss, but not for its own replies`() throws {
        var limits = ServerLimits()
        limits.roomWaitMax = .milliseconds(100)
        let (server, reader) = try Self.crowd(limits)
        let other = try server.connect()
        #expect(try other.get("a") == nil)
        #expect(try other.get("a") == nil)
        for _ in 0..<4 { #expect(try reader.receiveReply().payload == payload(seed: 1, 6 << 20)) }
        #expect(try other.get("a") == payload(seed: 1, 6 << 20))
    }

    /// GETDEL once answered null and removed the key all the same.
    @Test(arguments: ["*2\r\n$6\r\nGETDEL\r\n$1\r\na\r\n", "GETEX a EX 1\r\n", "GETSET a b\r\n"])
    func `a command that waits too long for others does not lose the value it cannot return`(
        command: String
    ) throws {
        var limits = ServerLimits()
        limits.roomWaitMax = .milliseconds(100)
        let (server, reader) = try Self.crowd(limits)
        let other = try server.connect()
        try other.send(Array((command + "PING\r\nTTL a\r\n").utf8))
        let refusal = "-ERR too many values wait to be sent; nothing was changed, try again\r\n"
        let expected = Array((refusal + "+PONG\r\n:-1\r\n").utf8)
        #expect(try other.receive(expected.count) == expected)
        for _ in 0..<4 { #expect(try reader.receiveReply().payload == payload(seed: 1, 6 << 20)) }
    }
}

extension `Values in replies that wait` {
    private static func array(_ words: String...) -> [UInt8] {
        Array(("*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()).utf8)
    }

    /// The connection was once closed here.
    @Test func `commands behind one that is refused after its wait are answered`() throws {
        var limits = ServerLimits()
        limits.roomWaitMax = .milliseconds(100)
        let (server, reader) = try Self.crowd(limits)
        let other = try server.connect()
        try other.send(Self.array("GETDEL", "a") + Self.array("GET", "b") + Self.array("PING"))
        let refusal = "-ERR too many values wait to be sent; nothing was changed, try again\r\n"
        let expected = Array((refusal + "$-1\r\n+PONG\r\n").utf8)
        #expect(try other.receive(expected.count) == expected)
        for _ in 0..<4 { #expect(try reader.receiveReply().payload == payload(seed: 1, 6 << 20)) }
    }

    @Test(arguments: [true, false]) func `a connection keeps to its depth`(isInline: Bool) throws {
        let valueByteCount = 64 << 10
        var limits = ServerLimits()
        limits.requestDepthMax = 4
        let server = try TestServer(memoryByteCount: 16 << 20, limits: limits)
        let reader = try server.connect(receiveBufferByteCount: 32_768)
        // A put over lm has no reply: it is stored when the question behind it is answered.
        let writer = try server.connect()
        try writer.put("a", payload(seed: 1, valueByteCount))
        #expect(try writer.ask(.exist, "a"))
        let get = isInline ? Array("GET a\r\n".utf8) : Self.array("GET", "a")
        try reader.send(Array(repeatElement(get, count: 1000).joined()))
        server.wait("a value is held") { server.statistic("reprise_reply_held_bytes") > 0 }
        for _ in 0..<100 {
            #expect(server.statistic("reprise_reply_held_bytes") < UInt64(5 * valueByteCount))
        }
    }
}

@Suite struct `Slow peers` {
    private static var limits: ServerLimits {
        var limits = ServerLimits()
        limits.transferRateWindow = .milliseconds(1100)
        limits.minimumTransferRate = 1 << 20
        return limits
    }

    @Test func `a reader that takes nothing is cut, and an idle client is not`() throws {
        let server = try TestServer(limits: Self.limits)
        let idle = try server.connect()
        let reader = try server.connect(receiveBufferByteCount: 32_768)
        try reader.put("a", payload(seed: 1, 6 << 20))
        try reader.send(try reader.request(.get, "a"))
        server.wait("the reader is cut") { server.closed("too_slow") == 1 }
        server.wait("reprise_reply_held_bytes", is: 0)
        #expect(try idle.get("a") == payload(seed: 1, 6 << 20))
    }

    @Test func `a reader is cut also while its next request waits for room`() throws {
        let server = try TestServer(memoryByteCount: 16 << 20, limits: Self.limits)
        let reader = try server.connect(receiveBufferByteCount: 32_768)
        try reader.put("a", payload(seed: 1, 6 << 20))
        let get = try reader.request(.get, "a")
        try reader.send(get + get + get + get)
        server.wait("the reader is cut") { server.closed("too_slow") == 1 }
        reader.close()
        server.expectNothingLeaked()
    }

    @Test(arguments: [10, 186 + 5000]) func `a sender that stops half-way is cut`(offset: Int) throws {
        let server = try TestServer(limits: Self.limits)
        let client = try server.connect()
        try client.send(Array(try client.putRequest("a", payload(seed: 1, 10_000)).prefix(offset)))
        #expect(client.receivesEnd())
        #expect(server.closed("too_slow") == 1)
        server.expectNothingLeaked()
    }
}
