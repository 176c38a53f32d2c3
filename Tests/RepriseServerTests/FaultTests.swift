import RepriseCore
import RepriseServer
import RepriseTesting
import RepriseWire
import Testing

@Suite struct `Torn, stalled and broken transfers` {
    private static let keyCount = 6

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `torn and stalled transfers change nothing`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pieceByteCountMax = [3, 100, 5000, 70_000][Int(seed % 4)]
        let calls = FaultySocketCalls(seed: seed, pieceByteCountMax: pieceByteCountMax)
        let server = try TestServer(isUnix: seed % 2 == 1, calls: calls)
        var model: [Int: [UInt8]] = [:]
        let clients = try LMDialect.allCases.map { try server.connect($0) }
        for step in 0..<60 {
            let client = clients[Int.random(in: 0..<clients.count, using: &random)]
            let key = Int.random(in: 0..<Self.keyCount, using: &random)
            if Int.random(in: 0..<2, using: &random) == 0 {
                let value = payload(seed: step, Int.random(in: 0...(8 * pieceByteCountMax), using: &random))
                try client.put(StorageKey("key-\(key)"), value)
                #expect(try client.ask(.health))
                model[key] = value
            } else {
                #expect(try client.get(StorageKey("key-\(key)")) == model[key])
            }
        }
        for client in clients { client.close() }
        server.expectNothingLeaked()
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `broken connections never yield a wrong byte and leak nothing`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let calls = FaultySocketCalls(seed: seed, pieceByteCountMax: 20_000, resetChance: 60)
        let server = try TestServer(
            memoryByteCount: 1 << 20,
            threadCount: 2,
            isUnix: seed % 2 == 1,
            calls: calls
        )
        // A put whose connection broke may have been stored or not, and late.
        var versions = [Set<[UInt8]>](repeating: [], count: Self.keyCount)
        var client = try server.connect()
        for step in 0..<150 {
            let key = Int.random(in: 0..<Self.keyCount, using: &random)
            do {
                if Int.random(in: 0..<2, using: &random) == 0 {
                    let value = payload(seed: step, Int.random(in: 0...100_000, using: &random))
                    versions[key].insert(value)
                    try client.put(StorageKey("key-\(key)"), value)
                } else if let value = try client.get(StorageKey("key-\(key)")) {
                    #expect(versions[key].contains(value))
                }
            } catch {
                client.close()
                client = try server.connect()
            }
        }
        client.close()
        server.expectNothingLeaked()
    }
}
