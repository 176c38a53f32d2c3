import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseServer

@Suite struct `Requests that wait for values behind the memory` {
    @Test func `a get waits, and other connections go on`() throws {
        let tiered = try TieredServer(waits: .loads)
        try tiered.makeCold("a")
        let (client, other) = (try tiered.server.connect(), try tiered.server.connect())
        try client.command("GET a")
        tiered.waitForLoads(1)
        try other.command("SET b 1", "GET b", "EXISTS a", "STRLEN a")
        try other.expect("+OK\r\n$1\r\n1\r\n:1\r\n:10\r\n")
        #expect(!client.hasBytes)
        tiered.tier.finishLoads()
        try client.expectValue(of: "a")
        #expect(tiered.server.statistic("reprise_load_waits_total") == 1)
        client.close()
        other.close()
        tiered.expectNothingLeaked()
    }

    @Test func `a pipeline keeps its order and is loaded at the same time`() throws {
        let tiered = try TieredServer(waits: .loads)
        try tiered.makeCold("a", "b", "c")
        let client = try tiered.server.connect()
        try client.command("SET warm 1", "GET a", "GET warm", "GET b", "PING", "GET none", "GET c", "GET a")
        try client.expect("+OK\r\n")
        // PING ends the batch before it, so that "c" is not known yet.
        tiered.waitForLoads(2)
        tiered.tier.finishLoads(of: "b")
        #expect(!client.hasBytes)
        tiered.tier.finishLoads()
        try client.expectValue(of: "a")
        try client.expect("$1\r\n1\r\n")
        try client.expectValue(of: "b")
        try client.expect("+PONG\r\n$-1\r\n")
        tiered.waitForLoads(1)
        tiered.tier.finishLoads()
        try client.expectValue(of: "c")
        try client.expectValue(of: "a")
        client.close()
        tiered.expectNothingLeaked()
    }

    @Test func `an MGET loads its values at the same time`() throws {
        let tiered = try TieredServer(waits: .loads)
        try tiered.makeCold("a", "b", "c")
        let client = try tiered.server.connect()
        try client.command("MGET a none b c a")
        tiered.waitForLoads(3)
        tiered.tier.finishLoads()
        try client.expect("*5\r\n")
        try client.expectValue(of: "a")
        try client.expect("$-1\r\n")
        for key in ["b", "c", "a"] { try client.expectValue(of: key) }
        client.close()
        tiered.expectNothingLeaked()
    }

    @Test func `more cold keys than are loaded at once are all found`() throws {
        let tiered = try TieredServer(memoryByteCount: 16 << 20)
        let keys = (0..<2500).map { "k\($0)" }
        let values = keys.map { (StorageKey($0), Array("value of \($0)".utf8)) }
        try tiered.makeCold(values)
        let client = try tiered.server.connect()
        try client.command("MGET " + keys.joined(separator: " "))
        try client.expect("*2500\r\n")
        for key in keys { try client.expectValue(of: key) }
        try tiered.makeCold(values)
        try client.command(keys.map { "GET \($0)" })
        for key in keys { try client.expectValue(of: key) }
        client.close()
        tiered.expectNothingLeaked()
    }

    @Test func `loads hold no more than replies may`() throws {
        let tiered = try TieredServer(waits: .loads)
        try tiered.makeCold((0..<8).map { (StorageKey("k\($0)"), payload(seed: $0, 100_000)) })
        let clients = try (0..<8).map { _ in try tiered.server.connect() }
        for (index, client) in clients.enumerated() { try client.command("GET k\(index)") }
        // Half of the memory.
        tiered.waitForLoads(5)
        #expect(tiered.server.statistic("reprise_load_held_bytes") == 500_000)
        tiered.tier.waits = []
        tiered.tier.finishLoads()
        for client in clients { try client.expect("$100000\r\n") }
        for (index, client) in clients.enumerated() {
            #expect(try client.receive(100_000) == payload(seed: index, 100_000))
            client.close()
        }
        tiered.expectNothingLeaked()
    }

    @Test func `a load that fails is a miss`() throws {
        let tiered = try TieredServer(waits: .loads)
        try tiered.makeCold("a", "b")
        let client = try tiered.server.connect()
        try client.command("MGET a b", "GET a")
        tiered.waitForLoads(2)
        tiered.tier.finishLoads(.fault, of: "a")
        tiered.tier.finishLoads()
        try client.expect("*2\r\n$-1\r\n")
        try client.expectValue(of: "b")
        try client.expect("$-1\r\n")
        client.close()
        tiered.expectNothingLeaked()
    }

    @Test func `a value that is put while its key is waited for is found`() throws {
        let tiered = try TieredServer(waits: .loads)
        try tiered.makeCold("a")
        let (client, other) = (try tiered.server.connect(), try tiered.server.connect())
        try client.command("GET a")
        tiered.waitForLoads(1)
        try other.command("SET a new")
        try other.expect("+OK\r\n")
        tiered.tier.finishLoads()
        try client.expect("$3\r\nnew\r\n")
        client.close()
        other.close()
        tiered.expectNothingLeaked()
    }

    @Test func `a load that does not come is a miss, and leaks nothing when it does`() throws {
        var limits = ServerLimits.patient
        limits.loadTimeMax = .milliseconds(50)
        let tiered = try TieredServer(limits: limits, waits: .loads)
        try tiered.makeCold("a")
        let client = try tiered.server.connect()
        try client.command("GET a", "STRLEN a")
        try client.expect("$-1\r\n:10\r\n")
        #expect(tiered.server.statistic("reprise_load_held_bytes") == 0)
        #expect(tiered.tier.loadCount == 1)
        tiered.tier.waits = []
        tiered.tier.finishLoads()
        try client.command("GET a")
        try client.expectValue(of: "a")
        client.close()
        tiered.expectNothingLeaked()
    }

    @Test func `a client that goes while it waits leaks nothing`() throws {
        let tiered = try TieredServer(waits: .loads)
        try tiered.makeCold("a", "b")
        let client = try tiered.server.connect()
        try client.command("MGET a b")
        tiered.waitForLoads(2)
        client.reset()
        tiered.tier.finishLoads(of: "a")
        tiered.tier.finishLoads()
        tiered.expectNothingLeaked()
    }

    @Test func `a client that is killed while it waits lets go of what has been loaded`() throws {
        let tiered = try TieredServer(waits: .loads)
        try tiered.makeCold("a", "b")
        let (client, other) = (try tiered.server.connect(), try tiered.server.connect())
        try client.command("MGET a b")
        tiered.waitForLoads(2)
        tiered.tier.finishLoads(of: "a")
        try other.command("CLIENT KILL TYPE normal")
        try other.expect(":1\r\n")
        #expect(client.receivesEnd())
        try other.command("DEL a")
        try other.expect(":1\r\n")
        tiered.waitForIdleMemory()
        #expect(tiered.tier.loadCount == 1)
        tiered.tier.finishLoads()
        other.close()
        tiered.expectNothingLeaked()
    }
}

@Suite struct `Commands on keys behind the memory` {
    @Test func `commands that want the value before load it first`() throws {
        let tiered = try TieredServer()
        try tiered.makeCold("a", "b", "c", "d")
        let client = try tiered.server.connect()
        try client.command("GETDEL a", "GETEX b EX 1000", "SET c new GET", "GETSET d new")
        for key in ["a", "b", "c", "d"] { try client.expectValue(of: key) }
        try client.command("EXISTS a b c d", "PERSIST b", "MGET c d")
        try client.expect(":3\r\n:1\r\n*2\r\n$3\r\nnew\r\n$3\r\nnew\r\n")
        client.close()
        tiered.expectNothingLeaked()
    }

    @Test func `a long value that was received waits for the one before it`() throws {
        let tiered = try TieredServer(waits: .loads)
        try tiered.makeCold("a")
        let client = try tiered.server.connect()
        let value = payload(seed: 1, 100_000)
        let header = Array("*4\r\n$3\r\nSET\r\n$1\r\na\r\n$100000\r\n".utf8)
        try client.send(header + value + Array("\r\n$3\r\nGET\r\n".utf8))
        tiered.waitForLoads(1)
        tiered.tier.finishLoads()
        try client.expectValue(of: "a")
        try client.command("GET a")
        try client.expect("$100000\r\n")
        #expect(try client.receive(100_002).dropLast(2) == value[...])
        client.close()
        tiered.expectNothingLeaked()
    }

    @Test func `a server that drains waits for loads`() throws {
        let tiered = try TieredServer(waits: .loads)
        try tiered.makeCold("a")
        let client = try tiered.server.connect()
        try client.command("GET a")
        tiered.waitForLoads(1)
        tiered.server.server.drain()
        tiered.tier.finishLoads()
        try client.expectValue(of: "a")
        #expect(client.receivesEnd())
    }

    @Test func `keys here and behind count once`() throws {
        let tiered = try TieredServer(memoryByteCount: 256 << 10)
        try tiered.makeCold("a", "b", "c")
        let client = try tiered.server.connect()
        let count = tiered.tier.entryCount
        try client.command("GET a", "DBSIZE")
        try client.expectValue(of: "a")
        try client.expect(":\(count)\r\n")
        try client.command("SCAN 0 COUNT 100000 MATCH ?")
        // The memory's places, and then those behind it, whose cursors have the top bit.
        try client.expect("*2\r\n$19\r\n9223372036854775808\r\n*1\r\n$1\r\na\r\n")
        try client.command("SCAN 9223372036854775808 COUNT 100000 MATCH ?")
        try client.expect("*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$1\r\nc\r\n")
        try client.command("FLUSHALL", "DBSIZE")
        try client.expect("+OK\r\n:0\r\n")
        client.close()
        tiered.expectNothingLeaked()
    }
}
