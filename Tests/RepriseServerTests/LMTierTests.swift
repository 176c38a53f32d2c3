import RepriseCore
import RepriseTesting
import RepriseWire
import Testing

@Suite struct `Values behind the memory over lm` {
    private static func makeCold(_ tiered: TieredServer, _ keys: StorageKey...) throws {
        let metadata = MemoryObjectMetadata(
            verbatimFormat: 1,
            dtype: 2,
            shape: TensorShape(verbatim: [1, 0, 0, 0]),
            origin: .lm
        )
        try tiered.makeCold(keys.map { ($0, $0.bytes) }, metadata: metadata)
    }

    @Test(arguments: LMDialect.allCases)
    func `a get waits for its value, and exist does not`(dialect: LMDialect) throws {
        let tiered = try TieredServer(waits: .loads)
        try Self.makeCold(tiered, "a", "b")
        let (client, other) = (try tiered.server.connect(dialect), try tiered.server.connect(dialect))
        try client.send(try client.request(.get, "a") + client.request(.exist, "b"))
        tiered.waitForLoads(1)
        #expect(try other.ask(.exist, "a"))
        #expect(!client.hasBytes)
        tiered.tier.finishLoads()
        #expect(try client.receiveReply().payload == Array("a".utf8))
        #expect(try client.receiveReply().header.code == .success)
        client.close()
        other.close()
        tiered.expectNothingLeaked()
    }

    @Test func `a pipeline of gets is loaded at the same time`() throws {
        let tiered = try TieredServer(waits: .loads)
        try Self.makeCold(tiered, "a", "b", "c", "d")
        let client = try tiered.server.connect()
        let keys: [StorageKey] = ["a", "none", "b", "c", "a"]
        var requests = try keys.flatMap { try client.request(.get, $0) }
        requests += try client.request(.health) + client.request(.get, "d")
        try client.send(requests)
        tiered.waitForLoads(3)
        tiered.tier.finishLoads(.fault, of: "b")
        tiered.tier.finishLoads()
        let payloads = try keys.map { _ in try client.receiveReply().payload }
        #expect(payloads == ["a", "", "", "c", "a"].map { Array($0.utf8) })
        #expect(try client.receiveReply().header.code == .success)
        tiered.waitForLoads(1)
        tiered.tier.finishLoads()
        #expect(try client.receiveReply().payload == Array("d".utf8))
        client.close()
        tiered.expectNothingLeaked()
    }

    @Test func `a load that fails is a miss`() throws {
        let tiered = try TieredServer(waits: .loads)
        try Self.makeCold(tiered, "a")
        let client = try tiered.server.connect()
        try client.send(try client.request(.get, "a"))
        tiered.waitForLoads(1)
        tiered.tier.finishLoads(.fault)
        #expect(try client.receiveReply().header.code == .failure)
        client.close()
        tiered.expectNothingLeaked()
    }

    @Test func `replies behind a put wait until the older copy cannot come back`() throws {
        let tiered = try TieredServer(waits: .records)
        try Self.makeCold(tiered, "a")
        let client = try tiered.server.connect()
        try client.send(try client.putRequest("a", [1, 2, 3]) + client.request(.exist, "a"))
        tiered.waitForChanges(1)
        #expect(!client.hasBytes)
        tiered.tier.record()
        #expect(try client.receiveReply().header.code == .success)
        client.close()
        tiered.expectNothingLeaked()
    }

    @Test func `a removal is acknowledged when it is recorded`() throws {
        let tiered = try TieredServer(waits: .records)
        try Self.makeCold(tiered, "a")
        let client = try tiered.server.connect()
        try client.send(try client.request(.remove, "a"))
        tiered.waitForChanges(1)
        #expect(try !tiered.server.connect().ask(.exist, "a"))
        #expect(!client.hasBytes)
        tiered.tier.record()
        #expect(try client.receiveReply().header.code == .success)
        client.close()
        tiered.expectNothingLeaked()
    }
}
