import Glibc
import RepriseCore
import RepriseRemote
import RepriseTesting
import Testing

/// K81, on Redis.
@Suite(.serialized, .enabled(if: RedisProcess.isInstalled, "redis-server is not installed"))
struct RedisDirectoryTests {
    private func directory(
        _ redis: RedisProcess,
        _ host: String,
        limits: DirectoryLimits = DirectoryLimits()
    ) throws -> RESPLookupDirectory {
        let url = try RemoteURL(parsing: "redis://127.0.0.1:\(redis.port)")
        return try RESPLookupDirectory(url, holder: KeyHolder(host: host, port: 1), limits: limits)
    }

    private func hosts(_ directory: RESPLookupDirectory, _ keys: [StorageKey]) -> [Set<String>] {
        Threads.map(1) { _ in directory.holders(of: keys) }[0].map { Set($0.map(\.host)) }
    }

    /// Waits until a lookup has an answer; what it has in the end.
    private func settled(
        _ directory: RESPLookupDirectory,
        _ keys: [StorageKey],
        _ expected: [Set<String>]
    ) -> Bool {
        for _ in 0..<1000 {
            if hosts(directory, keys) == expected { return true }
            Thread.sleep(milliseconds: 10)
        }
        return false
    }

    @Test func `K81 several holders are found, and each removes its own entry`() throws {
        let redis = try RedisProcess()
        let (a, b, c) = (try directory(redis, "a"), try directory(redis, "b"), try directory(redis, "c"))
        a.insert(["k", "l"])
        b.insert(["k"])
        #expect(settled(c, ["k", "l", "m"], [["a", "b"], ["a"], []]))
        b.remove(["k", "l", "m"])
        b.remove([])
        #expect(settled(c, ["k", "l", "m"], [["a"], ["a"], []]))
        a.removeAll()
        #expect(settled(c, ["k", "l"], [[], []]))
        for directory in [a, b, c] { directory.close() }
    }

    @Test func `a batch of keys is looked up in one round trip`() throws {
        let redis = try RedisProcess()
        let (a, b) = (try directory(redis, "a"), try directory(redis, "b"))
        let keys = (0..<300).map { StorageKey("key-\($0)") }
        a.insert(keys)
        #expect(settled(b, keys, [Set<String>](repeating: ["a"], count: 300)))
        let before = b.statistics
        #expect(hosts(b, keys) == [Set<String>](repeating: ["a"], count: 300))
        #expect(b.statistics.roundTripCount == before.roundTripCount + 1)
        #expect(b.statistics.lookupCount == before.lookupCount + 300)
        a.close()
        // The heartbeat of a node that has closed has ended.
        #expect(hosts(b, keys) == [Set<String>](repeating: [], count: 300))
        b.close()
    }

    @Test func `a holder that dies is found no more, and its entries are removed`() throws {
        let redis = try RedisProcess()
        var limits = DirectoryLimits()
        limits.heartbeatLifetime = .seconds(1)
        let reader = try directory(redis, "b", limits: limits)
        let dead = KeyHolder(host: "dead", port: 1)
        var connection = try RESPConnection(connectingTo: redis.url)
        // What a node leaves behind that was killed.
        try RawRedis(redis.port).command(["SADD", "reprise:holders:k", dead.description])
        #expect(hosts(reader, ["k"]) == [[]])
        for _ in 0..<1000 where try connection.exists("reprise:holders:k") { Thread.sleep(milliseconds: 10) }
        #expect(try !connection.exists("reprise:holders:k"))
        reader.close()
    }

    @Test func `a node whose heartbeat stops for a while is found again`() throws {
        let redis = try RedisProcess()
        var limits = DirectoryLimits()
        limits.heartbeatLifetime = .milliseconds(600)
        let (a, b) = (try directory(redis, "a", limits: limits), try directory(redis, "b", limits: limits))
        a.insert(["k"])
        #expect(settled(b, ["k"], [["a"]]))
        redis.signal(SIGSTOP)
        Thread.sleep(milliseconds: 1500)
        redis.signal(SIGCONT)
        #expect(settled(b, ["k"], [["a"]]))
        a.close()
        b.close()
    }

    @Test func `a directory that is gone finds nobody and keeps nobody waiting, and heals`() throws {
        let redis = try RedisProcess()
        let (a, b) = (try directory(redis, "a"), try directory(redis, "b"))
        a.insert(["k"])
        #expect(settled(b, ["k"], [["a"]]))
        redis.stop()
        for _ in 0..<4 { #expect(hosts(b, ["k"]) == [[]]) }
        #expect(b.statistics.isOut)
        a.insert(["l"])
        a.remove(["k"])
        // The new server has lost all.
        try redis.restart()
        #expect(settled(b, ["k", "l"], [[], ["a"]]))
        #expect(!b.statistics.isOut && b.statistics.errorCount > 0)
        a.close()
        b.close()
    }

    @Test func `what is no Redis is no lookup directory`() throws {
        let url = try RemoteURL(parsing: "lm://127.0.0.1:1")
        #expect(throws: RemoteError.self) {
            try RESPLookupDirectory(url, holder: KeyHolder(host: "a", port: 1))
        }
    }
}
