import RepriseCore
import RepriseServer
import RepriseWire
import Testing

@Suite struct `LM dialects on one port` {
    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal.utf8)
        return stride(from: 0, to: digits.count, by: 2).map { index in
            UInt8(String(decoding: digits[index..<(index + 2)], as: UTF8.self), radix: 16) ?? 0
        }
    }

    private static func padded(_ head: [UInt8], to byteCount: Int) -> [UInt8] {
        head + [UInt8](repeating: 0x20, count: byteCount - head.count)
    }

    @Test func `the seed dialect is answered with the golden bytes`() throws {
        let server = try TestServer()
        let client = try server.connect(.seed)
        let put = Self.bytes(
            "0100000010000000010000000300000002000000010000000200000002000000"
                + "766c6c6d40746573745f6d6f64656c4033403132334068617368202020202020"
        )
        let exist =
            Self.bytes("0300000000000000010000000200000000000000000000000000000000000000") + put[32...]
        let value = payload(seed: 1, 16)
        try client.send(Self.padded(exist, to: 182))
        #expect(
            try client.receive(32)
                == Self.bytes("90010000000000000100000002000000" + String(repeating: "0", count: 32))
        )
        try client.send(Self.padded(put, to: 182) + value)
        try client.send(Self.padded(exist, to: 182))
        #expect(
            try client.receive(32)
                == Self.bytes("c8000000000000000100000002000000" + String(repeating: "0", count: 32))
        )
        var get = Self.padded(exist, to: 182)
        get[0] = 2
        try client.send(get)
        let hit = Self.bytes("c800000010000000010000000300000002000000010000000200000002000000")
        #expect(try client.receive(48) == hit + value)
    }

    @Test func `the newest dialect is answered with the golden bytes`() throws {
        let server = try TestServer()
        let client = try server.connect()
        let put = Self.bytes(
            "010000001000000001000000030000000000000002000000010000000200000002000000"
                + "746573745f6d6f64656c403340313233406465644062666c6f61743136202020"
        )
        let value = payload(seed: 1, 16)
        try client.send(Self.padded(put, to: 186) + value)
        var get = [UInt8](repeating: 0, count: 36) + Self.padded(put, to: 186)[36...]
        get.replaceSubrange(0..<16, with: Self.bytes("02000000000000000100000002000000"))
        try client.send(get)
        let hit = Self.bytes("c80000001000000001000000030000000200000001000000020000000200000000000000")
        #expect(try client.receive(52) == hit + value)
        get[40] = 0x21
        try client.send(get)
        let miss = Self.bytes("900100000000000001000000020000000000000000000000000000000000000000000000")
        #expect(try client.receive(36) == miss)
    }

    @Test func `the oldest dialect is answered in its own form`() throws {
        let server = try TestServer()
        let client = try server.connect(.v0)
        try client.send(try client.request(.list))
        #expect(try client.receive(8) == Self.bytes("c800000000000000"))
        try client.put("first", [1, 2, 3])
        try client.put("other", [])
        try client.send(try client.request(.get, "first"))
        #expect(try client.receive(11) == Self.bytes("c800000003000000010203"))
        try client.send(try client.request(.get, "third"))
        #expect(try client.receive(8) == Self.bytes("9001000000000000"))
        try client.send(try client.request(.list))
        #expect(try client.receive(8) == Self.bytes("c80000000b000000"))
        #expect(String(decoding: try client.receive(11), as: UTF8.self) == "other\nfirst")
    }

    @Test(arguments: LMDialect.allCases, LMDialect.allCases)
    func `a value put in one dialect is read in another`(writer: LMDialect, reader: LMDialect) throws {
        let server = try TestServer()
        let value = payload(seed: 7, 48)
        let shape = TensorShape(verbatim: [2, 3, 4, 1])
        let metadata = MemoryObjectMetadata(verbatimFormat: 1, dtype: 3, shape: shape, origin: .lm)
        let client = try server.connect(writer)
        try client.put("model@1@0@ab@bfloat16", value, metadata: metadata)
        #expect(try client.ask(.health))
        let other = try server.connect(reader)
        try other.send(try other.request(.get, "model@1@0@ab@bfloat16"))
        let reply = try other.receiveReply()
        #expect(reply.payload == value)
        guard reader != .v0 else { return }
        #expect(reply.header.metadata.dtypeCode == (writer == .v0 ? 2 : 3))
        let dimensions: SIMD4<Int32> = writer == .v0 ? [48, 0, 0, 0] : [2, 3, 4, 1]
        #expect(reply.header.metadata.shape.padded == dimensions)
    }

    @Test(arguments: LMDialect.allCases) func `every command is answered`(dialect: LMDialect) throws {
        let server = try TestServer()
        let client = try server.connect(dialect)
        #expect(try client.ask(.health))
        #expect(try !client.ask(.exist, "a"))
        #expect(try !client.ask(.remove, "a"))
        try client.put("a", payload(seed: 1, 5000))
        try client.put("b", payload(seed: 2, 5000))
        #expect(try client.ask(.exist, "a"))
        #expect(try client.text(.list).split(separator: "\n").sorted() == ["a", "b"])
        #expect(try client.ask(.remove, "a"))
        #expect(try client.get("a") == nil)
        #expect(try client.get("b") == payload(seed: 2, 5000))
        let statistics = try client.text(.stat)
        #expect(statistics.contains("reprise_entries 1\n"))
        #expect(statistics.contains("reprise_puts_total 2\n"))
        #expect(statistics.contains("reprise_get_hits_total 1\n"))
    }

    @Test(arguments: [0x0101, 0x0304, 0x7FFF_FF05, -0xFB] as [Int32], LMDialect.allCases)
    func `an unknown command closes the connection and nothing else`(command: Int32, dialect: LMDialect)
        throws
    {
        let server = try TestServer()
        let other = try server.connect(dialect)
        try other.put("a", payload(seed: 1, 5000))
        #expect(try other.ask(.health))
        let client = try server.connect(dialect)
        var request = try client.request(.exist)
        for index in 0..<4 { request[index] = UInt8(truncatingIfNeeded: command >> (8 * Int32(index))) }
        try client.send(request)
        #expect(client.receivesEnd())
        #expect(try other.get("a") == payload(seed: 1, 5000))
        #expect(server.closed("protocol_error") == 1)
    }

    @Test(arguments: LMDialect.allCases) func `a negative length closes the connection`(dialect: LMDialect)
        throws
    {
        let server = try TestServer()
        let client = try server.connect(dialect)
        try client.put("a", [1])
        var request = try client.request(.put, "a", byteCount: 1)
        request.replaceSubrange(4..<8, with: [0xFF, 0xFF, 0xFF, 0xFF])
        try client.send(request)
        #expect(client.receivesEnd())
        #expect(try server.connect(dialect).get("a") == [1])
    }

    @Test func `large replies survive what arrives behind broken framing`() throws {
        let server = try TestServer()
        let client = try server.connect(receiveBufferByteCount: 32_768)
        let value = payload(seed: 1, 6 << 20)
        try client.put("a", value)
        try client.send(try client.request(.get, "a") + [UInt8](repeating: 9, count: 200_000))
        server.wait("the framing breaks") { server.closed("protocol_error") == 1 }
        #expect(try client.receiveReply().payload == value)
        #expect(client.receivesEnd())
    }

    @Test func `a connection that broke the protocol and does not end is closed`() throws {
        var limits = ServerLimits()
        limits.lingerTimeMax = .milliseconds(1)
        let server = try TestServer(limits: limits)
        let client = try server.connect()
        // A first byte from 1 to 5 says lm.
        try client.send([5] + [UInt8](repeating: 9, count: 200_000))
        server.wait("reprise_connections", is: 0)
        #expect(client.receivesEnd())
    }

    @Test func `replies to what came before broken framing are sent`() throws {
        let server = try TestServer()
        let client = try server.connect()
        try client.put("a", payload(seed: 1, 100_000))
        try client.send(try client.request(.get, "a") + [9, 9, 9, 9, 9, 9, 9, 9])
        #expect(try client.receiveReply().payload == payload(seed: 1, 100_000))
        #expect(client.receivesEnd())
    }
}
