import RepriseCore
import RepriseNode
import RepriseServer
import RepriseTesting
import Testing

/// A server whose memory has a dictionary behind it, which does what a disk would do when it is told to.
final class TieredServer: Sendable {
    let memory: LocalCPUBackend
    let tier: DictionaryTier
    let server: TestServer

    init(
        memoryByteCount: Int = 1 << 20,
        threadCount: Int = 1,
        isUnix: Bool = false,
        limits: ServerLimits = .patient,
        waits: DictionaryTier.Waits = []
    ) throws {
        memory = LocalCPUBackend(
            pool: try MemoryPool(MemoryPool.Configuration(byteCount: memoryByteCount))
        )
        tier = DictionaryTier(behind: memory)
        server = try TestServer(
            memoryByteCount: 1 << 20,
            threadCount: threadCount,
            isUnix: isUnix,
            limits: limits,
            backend: LMSLocalBackend(memory, slower: tier)
        )
        tier.waits = waits
    }

    deinit {
        server.server.stop()
        server.server.waitUntilStopped()
        // Memory and tier know each other.
        tier.close()
        memory.close()
    }

    /// Puts values, and lets others push them out of the memory.
    func makeCold(
        _ values: [(key: StorageKey, bytes: [UInt8])],
        metadata: MemoryObjectMetadata? = nil
    ) throws {
        let backend = LMSLocalBackend(memory)
        let waits = tier.waits
        tier.waits = []
        for (key, bytes) in values {
            let metadata = metadata ?? .plain(byteCount: bytes.count)
            let isStored = backend.put(key, metadata: metadata, copying: bytes.rawSpan)
            try #require(isStored)
        }
        var number = 0
        while values.contains(where: { memory.isInMemory($0.key) }) {
            let filler = [UInt8](repeating: 0, count: 4096)
            let key = StorageKey("filler-\(number)")
            let isStored = backend.put(key, metadata: .plain(byteCount: 4096), copying: filler.rawSpan)
            try #require(isStored)
            number += 1
        }
        tier.waits = waits
    }

    /// Makes short values under their own names cold.
    func makeCold(_ keys: String...) throws {
        try makeCold(keys.map { (StorageKey($0), Array("value of \($0)".utf8)) })
    }

    /// Waits until so many loads are under way.
    func waitForLoads(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        server.wait("\(count) loads are under way", sourceLocation: sourceLocation) {
            tier.loadCount == count
        }
    }

    /// Waits until so many changes are to be recorded.
    func waitForChanges(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        server.wait("\(count) changes wait", sourceLocation: sourceLocation) { tier.unrecordedCount == count }
    }

    /// Checks, once every client has gone, that nothing but the stored values is in use.
    func expectNothingLeaked(sourceLocation: SourceLocation = #_sourceLocation) {
        for name in ["connections", "memory_reserved_bytes", "reply_held_bytes", "load_held_bytes"] {
            server.wait("reprise_\(name)", is: 0, sourceLocation: sourceLocation)
        }
        waitForIdleMemory(sourceLocation: sourceLocation)
        #expect(memory.pool.consistencyCheck() == nil, sourceLocation: sourceLocation)
    }

    /// Waits until no value is in use that is not stored.
    func waitForIdleMemory(sourceLocation: SourceLocation = #_sourceLocation) {
        server.wait("nothing is in use", sourceLocation: sourceLocation) {
            memory.pool.usedByteCount == memory.statistics.entryByteCount
        }
    }
}

extension ServerLimits {
    /// Limits that cut nothing off, however slow the machine is.
    static var patient: ServerLimits {
        var limits = ServerLimits()
        limits.minimumTransferRate = 0
        limits.roomWaitMax = .seconds(300)
        limits.loadTimeMax = .seconds(300)
        limits.recordTimeMax = .seconds(300)
        limits.drainTimeMax = .seconds(300)
        return limits
    }
}

extension TestClient {
    /// Sends RESP commands together, whose words are parted by spaces.
    func command(_ lines: String...) throws { try command(lines) }

    /// Sends RESP commands together, whose words are parted by spaces.
    func command(_ lines: [String]) throws {
        var bytes: [UInt8] = []
        for line in lines {
            let words = line.split(separator: " ")
            bytes += "*\(words.count)\r\n".utf8
            for word in words { bytes += "$\(word.utf8.count)\r\n\(word)\r\n".utf8 }
        }
        try send(bytes)
    }

    /// Receives just this text.
    func expect(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let received = String(decoding: try receive(text.utf8.count), as: UTF8.self)
        #expect(received == text, sourceLocation: sourceLocation)
    }

    /// Receives just this value as a bulk string.
    func expectValue(of key: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let value = "value of \(key)"
        try expect("$\(value.utf8.count)\r\n\(value)\r\n", sourceLocation: sourceLocation)
    }
}
