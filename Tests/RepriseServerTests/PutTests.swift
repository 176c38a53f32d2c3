import RepriseCore
import RepriseServer
import RepriseWire
import Testing

@Suite struct `PUT requests` {
    /// Offsets in a PUT of 186 + 300,000 bytes at which a connection can be cut.
    static let cuts = [1, 7, 8, 35, 36, 185, 186, 187, 4281, 65_535, 65_536, 65_537, 131_072, 300_185]

    @Test(arguments: cuts, [false, true])
    func `a put that is cut off stores nothing and leaves the old value`(offset: Int, isReset: Bool) throws {
        let server = try TestServer(isUnix: offset % 2 == 0)
        let old = payload(seed: 1, 5000)
        let other = try server.connect()
        try other.put("a", old)
        #expect(try other.ask(.health))
        let client = try server.connect()
        try client.send(Array(try client.putRequest("a", payload(seed: 2, 300_000)).prefix(offset)))
        server.wait("the bytes arrive") {
            server.statistic("reprise_received_bytes_total") >= 2 * 186 + 5000 + offset
        }
        if isReset { client.reset() } else { client.close() }
        server.wait("reprise_connections", is: 1)
        #expect(server.statistic("reprise_puts_aborted_total") == (offset >= 186 ? 1 : 0))
        #expect(try other.get("a") == old)
        #expect(server.statistic("reprise_entries") == 1)
        other.close()
        server.expectNothingLeaked()
    }

    @Test func `a put is invisible until its last byte`() throws {
        let server = try TestServer()
        let (writer, reader) = try (server.connect(), server.connect())
        let bytes = try writer.putRequest("a", payload(seed: 1, 100_000))
        try writer.send(Array(bytes.dropLast()))
        server.wait("the bytes arrive") {
            server.statistic("reprise_received_bytes_total") == bytes.count - 1
        }
        #expect(try !reader.ask(.exist, "a"))
        #expect(try reader.get("a") == nil)
        try writer.send([bytes[bytes.count - 1]])
        server.wait("reprise_puts_total", is: 1)
        #expect(try reader.get("a") == payload(seed: 1, 100_000))
    }

    @Test(arguments: [0, 1, 4095, 4096, 4097, 65_536 - 186, 65_536, 1 << 20, (1 << 20) + 1, 3 << 20])
    func `a value of any length comes back`(byteCount: Int) throws {
        let server = try TestServer(isUnix: byteCount % 2 == 0)
        let client = try server.connect()
        let value = payload(seed: byteCount, byteCount)
        try client.put("a", value)
        #expect(try client.get("a") == value)
        try client.put("a", payload(seed: 1, 77))
        #expect(try client.get("a") == payload(seed: 1, 77))
        client.close()
        server.expectNothingLeaked()
    }

    @Test func `a put whose length disagrees with its shape is read and dropped`() throws {
        let server = try TestServer()
        let client = try server.connect()
        try client.put("a", [1, 2, 3])
        let shape = TensorShape(verbatim: [2, 3, 4, 1])
        let metadata = MemoryObjectMetadata(verbatimFormat: 1, dtype: 3, shape: shape, origin: .lm)
        for byteCount in [0, 1, 47, 49, 200_000] {
            try client.put("a", payload(seed: 9, byteCount), metadata: metadata)
        }
        #expect(try client.get("a") == [1, 2, 3])
        #expect(server.dropped("shape_mismatch") == 5)
    }

    @Test func `a put over the limit is read and dropped`() throws {
        var limits = ServerLimits()
        limits.valueByteCountMax = 10_000
        let server = try TestServer(limits: limits)
        let client = try server.connect()
        try client.put("a", [1, 2, 3])
        try client.put("a", payload(seed: 1, 10_001))
        try client.put("a", payload(seed: 1, 1_000_000))
        #expect(try client.get("a") == [1, 2, 3])
        #expect(server.dropped("too_large") == 2)
        try client.put("a", payload(seed: 1, 10_000))
        #expect(try client.get("a") == payload(seed: 1, 10_000))
    }

    @Test func `a value larger than the memory evicts nothing`() throws {
        let server = try TestServer(memoryByteCount: 1 << 20)
        let client = try server.connect()
        for index in 0..<16 { try client.put(StorageKey("\(index)"), payload(seed: index, 60_000)) }
        try client.put("large", payload(seed: 1, 1 << 20 + 1))
        try client.put("huge", payload(seed: 1, 9 << 20))
        for index in 0..<16 {
            #expect(try client.get(StorageKey("\(index)")) == payload(seed: index, 60_000))
        }
        #expect(server.dropped("too_large") == 2)
        #expect(server.statistic("reprise_evictions_total") == 0)
    }

    @Test func `a header that announces two gigabytes evicts nothing`() throws {
        let server = try TestServer(memoryByteCount: 1 << 20)
        let client = try server.connect()
        for index in 0..<16 { try client.put(StorageKey("\(index)"), payload(seed: index, 60_000)) }
        try client.send(
            try client.request(
                .put,
                "huge",
                metadata: .plain(byteCount: 0),
                byteCount: LMLimits.payloadByteCountMax
            )
        )
        server.wait("the put is dropped") { server.dropped("too_large") == 1 }
        client.close()
        server.wait("reprise_connections", is: 0)
        #expect(server.statistic("reprise_entries") == 16)
    }

    @Test func `a put without room is read and dropped while all memory is being read`() throws {
        var limits = ServerLimits()
        limits.heldFractionDivisor = 1
        let server = try TestServer(memoryByteCount: 8 << 20, limits: limits)
        let reader = try server.connect(receiveBufferByteCount: 32_768)
        let value = payload(seed: 1, 7 << 20)
        try reader.put("a", value)
        try reader.send(try reader.request(.get, "a"))
        server.wait("reprise_get_hits_total", is: 1)
        let writer = try server.connect()
        // Sockets may take all of a small value, but not of this one.
        try writer.put("b", payload(seed: 2, 6 << 20))
        #expect(try !writer.ask(.exist, "b"))
        #expect(server.dropped("no_room") == 1)
        #expect(try reader.receiveReply().payload == value)
        try writer.put("b", payload(seed: 2, 6 << 20))
        #expect(try writer.get("b") == payload(seed: 2, 6 << 20))
        #expect(try !writer.ask(.exist, "a"))
    }

    @Test func `eviction keeps what was used last and never mixes bytes`() throws {
        let server = try TestServer(memoryByteCount: 1 << 20)
        let client = try server.connect()
        for index in 0..<100 {
            try client.put(StorageKey("\(index)"), payload(seed: index, 50_000 + index))
            #expect(try client.get("0") == payload(seed: 0, 50_000))
        }
        var found = 0
        for index in 0..<100 {
            guard let value = try client.get(StorageKey("\(index)")) else { continue }
            #expect(value == payload(seed: index, 50_000 + index))
            found += 1
        }
        // 1 MiB holds 19 values of 13 pages each.
        #expect(found == 19)
    }
}
