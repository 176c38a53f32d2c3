import Testing

@testable import RepriseConfiguration

@Suite struct `Bad values` {
    @Test(arguments: [
        ("port: 65536", "0 to 65535"), ("port: -1", "0 to 65535"), ("threads: 0", "1 to 256"),
        ("threads: 257", "1 to 256"), ("host: ''", "nothing"), ("memory: 5x", "4GiB"), ("memory: 0B", "1B"),
        ("memory: 101%", "100%"), ("memory: 0%", "0%"), ("memory: nan%", "100%"), ("evictor: best", "lru"),
        ("disks: /a", "/var/lib/reprise:100GiB"), ("disks: /a:1GiB,/a:2GiB", "twice"),
        ("disks: /a:x", "4GiB"),
        ("disk_sync: always", "none, data"), ("max_value: 0B", "1B"), ("max_connections: 0", "1 to"),
        ("minimum_transfer_rate: fast", "4GiB"), ("drain_time: 30", "30s"), ("log_level: loud", "notice"),
        ("log_format: xml", "text, json"), ("cluster_announce: h", "HOST:PORT"),
        ("cluster_announce: h:0", "HOST:PORT"), ("advertise: ::1:7", "brackets"),
        ("advertise: 'a b:7'", "no name or address"), ("remote_timeout: 0s", "1ms"),
        ("max_local_cpu_size: 5x", "write 5 or 0.5"), ("max_local_cpu_size: 0", "more than 0 GiB"),
        ("max_local_cpu_size: inf", "write 5 or 0.5"), ("max_local_cpu_size: -5", "write 5 or 0.5"),
        ("max_local_cpu_size: 1e400", "write 5 or 0.5"), ("max_local_cpu_size: 99999999999", "GiB"),
        ("local_disk: http://a/", "file:///path/"), ("local_disk: file://relative/", "file:///path/"),
        ("local_disk: file:///a/,b", "file:///path/"), ("cache_policy: BEST", "lru"),
        ("blocking_timeout_secs: 0", "1 to"), ("blocking_timeout_secs: 1.5", "whole number"),
        ("chunk_size: 0", "1 to"), ("chunk_size: abc", "whole number"),
        ("local_cpu: maybe", "true, 1, false or 0"),
        ("pre_caching_hash_algorithm: md5", "builtin"), ("min_retrieve_tokens: -1", "0 to"),
        ("pin_timeout_sec: x", "whole number"), ("py_enable_gc: perhaps", "true, 1, false or 0"),
        ("lookup_timeout_ms: soon", "whole number"), ("hit_miss_ratio: much", "no number"),
        ("extra_config: 5", "mapping"), ("remote_serde: zip", "naive or fp8"),
    ])
    func `say where and what is allowed`(yaml: String, word: String) {
        let name = yaml.prefix { $0 != ":" }
        let message = Resolving.failure(.invalidValue, "# first\n\n\(yaml)\n")
        #expect(message.hasPrefix("cache.yaml:3: \(name): "), "\(message)")
        #expect(message.contains(word), "\(message)")
    }

    @Test func `the message is as documented`() {
        let message = Resolving.failure(.invalidValue, "host: h\nmax_local_cpu_size: 5x")
        #expect(message == "cache.yaml:2: max_local_cpu_size: '5x' is no number of GiB; write 5 or 0.5")
    }

    @Test(arguments: [
        ("localhost:65432", "scheme"), ("redis://h:x", "port"), ("ftp://h", "no such scheme"),
        ("lm://a:1,b:2", "one host"), ("rediss://:secret@h", "TLS"), ("lm://:secret@h", "passwords"),
    ])
    func `a bad remote_url says why, and no password`(text: String, word: String) {
        let message = Resolving.failure(.invalidValue, "remote_url: \"\(text)\"")
        #expect(message.hasPrefix("cache.yaml:1: remote_url: ") && message.contains(word), "\(message)")
        #expect(!message.contains("secret"))
    }

    @Test(arguments: ["fs://h/a", "redis-cluster://a:1", "blackhole://", "lm://h"])
    func `a lookup directory is a Redis`(text: String) {
        #expect(Resolving.failure(.invalidValue, "lookup_url: \(text)").contains("redis://host:port"))
    }

    @Test func `an item of a list has its line`() {
        let message = Resolving.failure(.invalidValue, "disks:\n  - /a:1GiB\n  - /b:much\n")
        #expect(message.hasPrefix("cache.yaml:3: disks: 'much'"), "\(message)")
    }

    @Test func `variables and options are named as they are written`() {
        let variable = Resolving.failure(.invalidValue, environment: ["LMCACHE_MAX_LOCAL_CPU_SIZE": "5x"])
        #expect(variable.hasPrefix("LMCACHE_MAX_LOCAL_CPU_SIZE: '5x' is no number of GiB"))
        let flag = Resolving.failure(.invalidValue, flags: Resolving.flags(["drain_time": "x"]))
        #expect(flag.hasPrefix("--drain-time: 'x' is no duration"))
    }

    @Test func `an overridden slip is still one`() {
        let flags = Resolving.flags(["memory": "1GiB"])
        let message = Resolving.failure(.invalidValue, "memory: 5x", flags: flags)
        #expect(message.hasPrefix("cache.yaml:1: memory: "))
    }

    @Test func `long and odd texts are cut to one line`() {
        let text = String(repeating: "x", count: 500)
        let message = Resolving.failure(.invalidValue, "evictor: \"a\\nb\(text)\"")
        #expect(message.utf8.count < 250 && !message.contains("\n"))
    }

    @Test func `what contradicts itself is an error`() {
        #expect(Resolving.failure(.conflict, "\ntcp: false").hasPrefix("cache.yaml:2: tcp: "))
        let pair = Resolving.failure(.conflict, "enable_p2p: true\nlookup_url: h:1")
        #expect(pair.hasPrefix("cache.yaml:1: enable_p2p: ") && pair.contains("distributed_url"))
        #expect(Resolving.failure(.conflict, "distributed_url: h:1").contains("lookup_url"))
    }
}
