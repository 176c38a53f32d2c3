import Glibc
import RepriseCore
import RepriseServer
import RepriseTesting
import RepriseWire
import Testing

@Suite struct `Pipelines of requests` {
    @Test(arguments: [false, true])
    func `ten thousand requests are written before a reply is read`(isUnix: Bool) throws {
        let server = try TestServer(isUnix: isUnix)
        let client = try server.connect()
        try client.put("even", [1])
        let pair = try client.request(.exist, "even") + client.request(.exist, "odd")
        try client.send((0..<5000).flatMap { _ in pair })
        for _ in 0..<5000 {
            let replies = try (client.receiveHeader().code, client.receiveHeader().code)
            guard replies == (.success, .failure) else {
                Issue.record("\(replies)")
                return
            }
        }
        client.close()
        server.expectNothingLeaked()
    }

    @Test func `a pipeline beyond the request depth is answered once it is read`() throws {
        var limits = ServerLimits()
        limits.requestDepthMax = 100
        let server = try TestServer(limits: limits)
        let client = try server.connect(receiveBufferByteCount: 32_768)
        try client.put("a", payload(seed: 1, 3000))
        let request = try client.request(.get, "a")
        let sender = Thread(name: "sender") { try? client.send((0..<5000).flatMap { _ in request }) }
        for _ in 0..<5000 {
            guard try client.receiveReply().payload == payload(seed: 1, 3000) else {
                Issue.record("wrong bytes")
                break
            }
        }
        sender.join()
        client.close()
        server.expectNothingLeaked()
    }

    @Test(arguments: [false, true])
    func `a whole pipeline of GETs is written before it is read`(isUnix: Bool) throws {
        var limits = ServerLimits()
        limits.heldByteCountMax = 1 << 20
        let server = try TestServer(isUnix: isUnix, limits: limits)
        let client = try server.connect()
        let value = payload(seed: 3, 8 << 10)
        try client.put("a", value)
        let request = try client.request(.get, "a")
        try client.send((0..<3000).flatMap { _ in request })
        server.wait("replies wait") { server.statistic("reprise_reply_held_bytes") >= 1 << 20 }
        #expect(server.statistic("reprise_reply_held_bytes") <= 1 << 20 + 8 << 10)
        for index in 0..<3000 {
            guard try client.receiveReply().payload == value else {
                Issue.record("wrong bytes in reply \(index)")
                break
            }
        }
        client.close()
        server.expectNothingLeaked()
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `puts, gets and removals in one segment act in order`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let server = try TestServer(isUnix: seed % 2 == 0)
        let client = try server.connect(LMDialect.allCases[Int(seed % 3)])
        var bytes: [UInt8] = []
        var model: [Int: [UInt8]] = [:]
        var expected: [[UInt8]?] = []
        for step in 0..<300 {
            let key = Int.random(in: 0..<8, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                bytes += try client.request(.remove, StorageKey("key-\(key)"))
                expected.append(model.removeValue(forKey: key) == nil ? nil : [])
            case 1:
                model[key] = payload(seed: step, Int.random(in: 0...20_000, using: &random))
                bytes += try client.putRequest(StorageKey("key-\(key)"), model[key] ?? [])
            default:
                bytes += try client.request(.get, StorageKey("key-\(key)"))
                expected.append(model[key])
            }
        }
        let all = bytes
        let sender = Thread(name: "sender") { try? client.send(all) }
        for (index, value) in expected.enumerated() {
            let reply = try client.receiveReply()
            let found = reply.header.code == .success ? reply.payload : nil
            guard found == value else {
                Issue.record("reply \(index) has \(found?.count ?? -1) bytes, not \(value?.count ?? -1)")
                break
            }
        }
        sender.join()
        client.close()
        server.expectNothingLeaked()
    }

    @Test(arguments: LMDialect.allCases)
    func `requests arrive one byte at a time`(dialect: LMDialect) throws {
        let server = try TestServer(calls: FaultySocketCalls(seed: 1, pieceByteCountMax: 1))
        let client = try server.connect(dialect)
        let value = payload(seed: 5, 300)
        let requests =
            try client.putRequest("a", value) + client.request(.exist, "a") + client.request(.get, "a")
        try client.send(requests)
        #expect(try client.receiveHeader().code == .success)
        #expect(try client.receiveReply().payload == value)
    }

    @Test(arguments: [false, true]) func `all replies come after the client has ended`(isUnix: Bool) throws {
        let server = try TestServer(isUnix: isUnix)
        let client = try server.connect()
        let value = payload(seed: 6, 200_000)
        let request = try client.request(.get, "a")
        try client.send(try client.putRequest("a", value) + (0..<50).flatMap { _ in request })
        client.endSending()
        for _ in 0..<50 { #expect(try client.receiveReply().payload == value) }
        #expect(client.receivesEnd())
        server.expectNothingLeaked()
    }

    @Test(arguments: [false, true])
    func `a put is kept though its client goes without reading`(isUnix: Bool) throws {
        let server = try TestServer(isUnix: isUnix)
        let client = try server.connect()
        try client.put("a", payload(seed: 1, 10_000))
        #expect(try client.ask(.health))
        // The unread reply makes the close a reset.
        try client.send(try client.request(.get, "a"))
        server.wait("a reply arrives") { client.hasBytes }
        try client.put("b", payload(seed: 2, 10_000))
        client.close()
        server.wait("reprise_connections", is: 0)
        #expect(server.statistic("reprise_puts_total") + server.statistic("reprise_puts_aborted_total") >= 1)
        #expect(try server.connect().get("a") == payload(seed: 1, 10_000))
        server.wait("reprise_connections", is: 0)
    }

    @Test func `texts that wait count as held`() throws {
        var limits = ServerLimits()
        limits.heldByteCountMax = 1 << 20
        let server = try TestServer(limits: limits)
        let client = try server.connect(receiveBufferByteCount: 32_768)
        for index in 0..<500 {
            try client.put(StorageKey("\(index)-" + String(repeating: "x", count: 140)), [])
        }
        let request = try client.request(.list)
        try client.send((0..<600).flatMap { _ in request })
        server.wait("texts wait") { server.statistic("reprise_reply_held_bytes") >= 1 << 20 }
        #expect(server.statistic("reprise_reply_held_bytes") < 2 << 20)
        for _ in 0..<600 {
            guard try client.receiveReply().payload.count > 500 * 140 else {
                Issue.record("a short list")
                break
            }
        }
        client.close()
        server.expectNothingLeaked()
    }
}
