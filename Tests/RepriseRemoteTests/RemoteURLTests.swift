import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseRemote

@Suite struct RemoteURLTests {
    private static func tcp(_ host: String, _ port: UInt16) -> NodeURL {
        NodeURL(.resp, .tcp(host: host, port: port))
    }

    static let stores: [(String, RemoteURL.Store)] = [
        ("lm://localhost:65432", .lm(NodeURL(.lm, .tcp(host: "localhost", port: 65432)))),
        ("redis://localhost:6379", .resp(tcp("localhost", 6379), database: 0)),
        ("redis://localhost", .resp(tcp("localhost", 6379), database: 0)),
        ("redis://user:secret@h:7000/3", .resp(tcp("h", 7000), database: 3)),
        ("valkey://[::1]:7000", .resp(tcp("::1", 7000), database: 0)),
        ("resp://h:1", .resp(tcp("h", 1), database: 0)),
        ("unix:///run/redis.sock", .resp(NodeURL(.resp, .unix(path: "/run/redis.sock")), database: 0)),
        ("unix:///run/redis.sock?db=2", .resp(NodeURL(.resp, .unix(path: "/run/redis.sock")), database: 2)),
        ("redis-sentinel://a:1,b", .sentinel([tcp("a", 1), tcp("b", 26_379)], serviceName: "redismaster")),
        ("redis-sentinel://a?service_name=kv", .sentinel([tcp("a", 26_379)], serviceName: "kv")),
        ("redis-cluster://a:1,b:2", .cluster([tcp("a", 1), tcp("b", 2)])),
        ("fs://host:0/a/b,/c", .files(["/a/b", "/c"])),
        ("audit://redis://h:1", .audit(.resp(tcp("h", 1), database: 0))),
        ("blackhole://", .blackhole),
    ]

    @Test(arguments: stores) func `a URL names its store`(text: String, store: RemoteURL.Store) throws {
        #expect(try RemoteURL(parsing: text).store == store)
    }

    @Test(arguments: [
        ("localhost:6379", "scheme"), ("redis://a:1,b:2", "one host"), ("lm://a:1,b:2", "one host"),
        ("redis://h:x", "port"), ("redis://h/x", "database"), ("redis://h?layout=other", "layout"),
        ("rediss://h:1", "TLS"), ("s3://bucket", "object stores"), ("infinistore://h:1", "client library"),
        ("ftp://h", "no such scheme"), ("fs://relative", "absolute"), ("unix://x", "absolute"),
        ("audit://audit://blackhole://", "again"), ("redis-cluster://a,,b", "host"), ("://h", "scheme"),
        ("redis://:p@h?layout", "name=value"),
    ])
    func `a bad URL says what is allowed, and no password`(text: String, word: String) {
        let error = #expect(throws: RemoteError.self) { try RemoteURL(parsing: text) }
        #expect(error?.code == .invalidURL)
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains(":p@") == false)
    }

    @Test func `credentials and layout are read`() throws {
        let url = try RemoteURL(parsing: "redis://user:s%40@h:1/0?layout=lmcache")
        #expect(url.credentials?.user == "user" && url.credentials?.password == Array("s@".utf8))
        #expect(url.layout == .lmcache)
    }

    @Test(arguments: 0..<50 as Range<UInt64>) func `no text makes it trap`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("redis-cluster://fs:audit@%2?=&,[]/0a".utf8)
        for _ in 0..<200 {
            let base = Self.stores.randomElement(using: &generator)?.0 ?? ""
            var bytes = Array(base.utf8)
            for _ in 0..<3 {
                let place = Int.random(in: 0...bytes.count, using: &generator)
                bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: place)
            }
            _ = try? RemoteURL(parsing: String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test func `a key's slot is that of the cluster's specification`() {
        #expect(HashSlot.of(Array("123456789".utf8)) == 0x31C3 % 16_384)
        #expect(HashSlot.of(Array("{user1000}.following".utf8)) == HashSlot.of(Array("user1000".utf8)))
        #expect(HashSlot.of(Array("foo{}{bar}".utf8)) != HashSlot.of(Array("bar".utf8)))
        #expect(HashSlot.of(Array("foo{{bar}}zap".utf8)) == HashSlot.of(Array("{bar".utf8)))
    }

    @Test func `files have the names that LMCache gives them, and no two keys share one`() {
        #expect(FileConnector.name(ofKey: "a/b@1@0@ff") == "a-SEP-b@1@0@ff.data")
        #expect(FileConnector.name(ofKey: "a-SEP-b") == nil)
        #expect(FileConnector.key(ofFile: "a-SEP-b@1.data") == "a/b@1")
        #expect(FileConnector.key(ofFile: "a.tmp") == nil)
        #expect(FileConnector.name(ofKey: StorageKey([0xFF])) == nil)
        #expect(FileConnector.name(ofKey: StorageKey(String(repeating: "x", count: 230))) == nil)
    }
}
