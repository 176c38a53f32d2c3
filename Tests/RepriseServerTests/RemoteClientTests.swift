import RepriseCore
import RepriseRemote
import RepriseServer
import RepriseWire
import Testing

@Suite struct `The lm client against the server` {
    private static func connect(_ server: TestServer, _ dialect: LMDialect) throws -> LMConnection {
        let endpoints = server.server.endpoints
        if let path = endpoints.unixPath {
            return try LMConnection(connectingTo: .unix(path: path), dialect: dialect)
        }
        let port = try #require(endpoints.port)
        return try LMConnection(connectingTo: .tcp(host: "127.0.0.1", port: port), dialect: dialect)
    }

    @Test(arguments: LMDialect.allCases, [false, true])
    func `every request works`(dialect: LMDialect, isUnix: Bool) throws {
        let server = try TestServer(isUnix: isUnix)
        var client = try Self.connect(server, dialect)
        var buffer = TransferBuffer(byteCapacity: 0)
        let value = payload(seed: 1, 100_000)
        try client.ping()
        try client.put("a", value.rawSpan)
        try client.put("b", [UInt8]().rawSpan)
        #expect(try client.exists("a"))
        let reply = try client.get("a", into: &buffer)
        #expect(reply?.payloadByteCount == 100_000)
        #expect([UInt8](copying: buffer.prefix(100_000)) == value)
        #expect(try client.get("c", into: &buffer) == nil)
        #expect(Set(try client.list()) == ["a", "b"])
        #expect(try client.remove("b"))
        #expect(try client.statistics().contains("reprise_entries 1\n"))
    }

    @Test(arguments: [false, true]) func `pipelines come back in order`(isUnix: Bool) throws {
        let server = try TestServer(threadCount: 2, isUnix: isUnix)
        var client = try Self.connect(server, .current)
        var buffer = TransferBuffer(byteCapacity: 0)
        let keys = (0..<300).map { StorageKey("key-\($0)") }
        for index in stride(from: 0, to: 300, by: 2) {
            try client.put(keys[index], payload(seed: index, 20_000 + index).rawSpan)
        }
        var wrong: [Int] = []
        try client.pipeline(.get, keys, into: &buffer) { index, reply, bytes in
            let expected = index % 2 == 0 ? payload(seed: index, 20_000 + index) : []
            if [UInt8](copying: bytes) != expected || (reply == nil) != (index % 2 == 1) {
                wrong.append(index)
            }
        }
        #expect(wrong == [])
    }
}
