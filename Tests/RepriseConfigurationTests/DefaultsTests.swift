import RepriseCore
import Testing

@testable import RepriseConfiguration

@Suite struct `Configuration defaults` {
    @Test func `nothing said is the documented node`() throws {
        let resolved = try Resolving.resolve()
        let configuration = resolved.configuration
        #expect(configuration.server.host == "127.0.0.1" && configuration.server.port == 65432)
        #expect(configuration.server.servesTCP && configuration.server.unixPath == nil)
        #expect(configuration.server.threadCount == 4)
        #expect(configuration.memory.byteCount == 4 << 30)
        #expect(configuration.memory.evictionPolicy == .lru && !configuration.memory.isLocked)
        #expect(configuration.disks.isEmpty && configuration.remote == nil && configuration.peers == nil)
        #expect(configuration.server.valueByteCountMax == 4 << 30)
        #expect(configuration.server.connectionCountMax == 10_000)
        #expect(configuration.server.minimumTransferRate == 4096)
        #expect(configuration.server.drainTimeMax == .seconds(30))
        #expect(configuration.log.level == .info && configuration.log.format == .text)
        #expect(resolved.rows.allSatisfy { $0.origin == .default })
        #expect(resolved.notices.isEmpty)
    }

    @Test func `the engine's defaults are LMCache's`() throws {
        let engine = try Resolving.configuration().engine
        #expect(engine.chunkSize == 256 && engine.keepsInMemory && engine.hashAlgorithm == "builtin")
        #expect(!engine.savesDecodeCache && !engine.usesLayers && engine.savesUnfullChunk == nil)
        #expect(engine.retrievedTokenCountMin == 0 && engine.pinTimeout == .seconds(300))
    }

    @Test(arguments: [
        "", "# a comment\n", "---\n", "null\n", "~", "memory:\nremote_url: null\nlocal_disk: ~\n",
    ])
    func `what is left empty is the default`(yaml: String) throws {
        let rows = try Resolving.resolve(yaml).rows
        #expect(try rows == Resolving.resolve().rows)
    }

    @Test func `each setting has a row, in the table's order`() throws {
        #expect(try Resolving.resolve().rows.map(\.name) == Setting.all.map(\.name))
        #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
    }

    @Test func `a share of a small machine is at least a mebibyte`() throws {
        let amount = try MemoryAmount(parsing: "0.5%")
        #expect(amount.byteCount(of: 1000) == 1 << 20)
        #expect(amount.byteCount(of: 1 << 30) == 5 << 20)
    }
}
