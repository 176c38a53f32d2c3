import Glibc
import RepriseTesting
import Testing

@testable import RepriseConfiguration

@Suite struct `Configuration files` {
    @Test(arguments: [
        ("memroy: 1GiB", "memory"), ("chunksize: 1", "chunk_size"), ("remote-url: x", "remote_url"),
        ("LOCAL_CPU: true", "local_cpu"), ("max_local_cpu: 1", "max_local_cpu_size"),
    ])
    func `unknown keys are errors with the nearest name`(yaml: String, name: String) {
        let message = Resolving.failure(.unknownSetting, "\n\n\(yaml)")
        #expect(message.hasPrefix("cache.yaml:3: there is no setting '\(yaml.prefix { $0 != ":" })'"))
        #expect(message.hasSuffix("did you mean \(name)?"), "\(message)")
    }

    @Test func `a name like none has no advice`() {
        #expect(!Resolving.failure(.unknownSetting, "quetzalcoatl: 1").contains("mean"))
        #expect(Resolving.failure(.tooLarge, String(repeating: "k", count: 129) + ": 1").contains("128"))
    }

    @Test(arguments: ["port: 1\nhost: a\nport: 2", "port: 1\nhost: a\n\"port\": 2"])
    func `duplicate keys are errors`(yaml: String) {
        let message = Resolving.failure(.duplicateSetting, yaml)
        #expect(message.contains("port") && message.hasPrefix("cache.yaml:"), "\(message)")
    }

    @Test(arguments: [
        ("memory: 1GiB", "max_local_cpu_size: 1"), ("evictor: lru", "cache_policy: LRU"),
        ("disks: /a:1GiB", "local_disk: /a"), ("remote_timeout: 1s", "blocking_timeout_secs: 1"),
        ("max_local_cpu_size: 1", "max_local_cache_size: 1"), ("advertise: h:1", "distributed_url: h:1"),
    ])
    func `one setting under two names is an error`(first: String, second: String) {
        let message = Resolving.failure(.duplicateSetting, "\(first)\n\(second)\n")
        #expect(message.hasPrefix("cache.yaml:2: ") && message.contains("cache.yaml:1"), "\(message)")
    }

    @Test(arguments: [
        ("memory: [1", 2), ("port: 1\n\thost: a", 2), ("a: b: c", 1), ("port: 1\n- a", 2), ("memory: 'x", 1),
        ("port: 1\n...\n---\nport: 2", 3), ("port: *none", 1), ("host: \"\\q\"", 1), ("port: 1\n\u{7}", 2),
        ("- a", 1), ("text", 1), ("[a, b]: 1", 1), ("port: 1\n? {a: b}\n: 1", 2),
    ])
    func `what is no YAML, or no mapping, has its line`(yaml: String, line: Int) {
        let message = Resolving.failure(.malformedFile, yaml)
        #expect(message.hasPrefix("cache.yaml:\(line): "), "\(message)")
    }

    @Test func `messages about malformed files show no text of them`() {
        for yaml in ["remote_url: \"redis://:secret@h", "remote_url: {redis://:secret@h", "secret: [a: b: c"]
        {
            let error = #expect(throws: ConfigurationError.self) { try Resolving.resolve(yaml) }
            #expect(error?.message.contains("secret@") == false)
        }
    }

    @Test func `bytes that are not UTF-8 have their line`() {
        let bytes = Array("port: 1\nhost: ".utf8) + [0xff, 0xfe, UInt8(ascii: "\n")]
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationFile.layer(parsing: bytes, path: "c.yaml")
        }
        #expect(error?.message == "c.yaml:2: a byte that is not UTF-8")
    }

    @Test func `a null in quotes is text`() throws {
        #expect(try Resolving.configuration("host: 'null'").server.host == "null")
    }

    @Test func `anchors may be used in moderation`() throws {
        let configuration = try Resolving.configuration("host: &a node\nlmcache_instance_id: *a")
        #expect(configuration.engine.instanceID == "node")
    }

    @Test func `values nested deeply are refused`() {
        let nested = String(repeating: "[", count: 12) + String(repeating: "]", count: 12)
        #expect(Resolving.failure(.tooLarge, "extra_config: {a: \(nested)}").contains("nested deeper than 8"))
        for count in [1_000, 60_000] {
            let error = #expect(throws: ConfigurationError.self) {
                try Resolving.resolve("a: " + String(repeating: "[", count: count))
            }
            #expect(error != nil)
        }
    }

    @Test func `aliases cannot grow without bound`() {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x]\n"
        for level in 1...8 { yaml += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        #expect(Resolving.failure(.tooLarge, yaml + "a9: [*a8, *a8]").contains("aliases"))
        // Seven of them, the last one as a key, which has to be hashed.
        let leaves = Array(repeating: "x", count: 2000).joined(separator: ",")
        var key = "extra_config:\n  a: &a0 [\(leaves)]\n"
        for level in 1...2 {
            let alias = "*a\(level - 1)"
            key += "  b\(level): &a\(level) [\(alias), \(alias), \(alias)]\n"
        }
        let message = Resolving.failure(.tooLarge, key + "  ? *a2\n  : 1\n")
        #expect(message.contains("10000 values") || message.contains("nested"), "\(message)")
    }

    @Test func `files, keys and lists have limits`() {
        let keys = (0...512).map { "k\($0): 1\n" }.joined()
        #expect(Resolving.failure(.tooLarge, keys).contains("512 keys"))
        let items = (0...256).map { "/\($0):1GiB" }.joined(separator: ",")
        #expect(Resolving.failure(.tooLarge, "disks: [\(items)]").contains("256 items"))
        #expect(Resolving.failure(.invalidValue, "disks: \(items)").contains("256 items"))
        let long = "# " + String(repeating: "x", count: ConfigurationLimits.fileByteCountMax)
        #expect(Resolving.failure(.tooLarge, long).contains("65536 bytes"))
    }

    @Test(arguments: 0..<64 as Range<UInt64>) func `no text makes it trap`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let base = Array("memory: 5GiB\ndisks: [/a:1GiB, 'b']\nextra_config: {a: &x 1, b: *x}\n# c\n".utf8)
        let alphabet = Array(":[]{}&*!?|>-'\"%@#, \n\t\\xu0~\u{85}é<".utf8) + [0, 0xff, 0x80]
        for _ in 0..<100 {
            var bytes = base
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[index] = alphabet.randomElement(using: &generator) ?? 0
            }
            let layer = try? ConfigurationFile.layer(parsing: bytes, path: "c.yaml")
            guard let layer else { continue }
            _ = try? Configuration.resolve([layer], machine: Resolving.machine)
        }
    }

    @Test func `passwords are not shown`() throws {
        for url in [
            "redis://:s3cret@h:1", "redis://u:s3cret@h", "audit://redis://u:s3cret@h", "redis://h?a=b",
        ] {
            let shown = try Resolving.resolve("remote_url: \"\(url)\"").rows.first { $0.name == "remote_url" }
            #expect(shown?.value.contains("s3cret") == false)
            #expect(shown?.value.contains("***") == url.contains("@"))
        }
    }
}

@Suite struct `Files on a disk` {
    /// A file of its own, removed at the end.
    private static func withFile(_ text: String, _ body: (String) throws -> Void) throws {
        let path = "/tmp/reprise-configuration-\(getpid())-\(UInt64.random(in: 0 ... .max)).yaml"
        // SAFETY: the C library reads path and text during the calls.
        let file = unsafe fopen(path, "w")
        unsafe fputs(text, file)
        unsafe fclose(file)
        defer { _ = unsafe unlink(path) }
        try body(path)
    }

    @Test func `are found by option, by variable, and by LMCache's variable`() throws {
        try Self.withFile("port: 1\n") { first throws in
            try Self.withFile("port: 2\n") { second throws in
                let lmcache = ["LMCACHE_CONFIG_FILE": first]
                let both = ["LMCACHE_CONFIG_FILE": first, "REPRISE_CONFIG": second]
                func port(_ environment: [String: String], _ file: String? = nil) throws -> UInt16 {
                    try Configuration.resolve(
                        environment: environment,
                        file: file,
                        machine: Resolving.machine
                    ).configuration.server.port
                }
                #expect(try port(lmcache) == 1)
                #expect(try port(both) == 2)
                #expect(try port(both, first) == 1)
            }
        }
    }

    @Test(arguments: ["/nonexistent/file.yaml", "/tmp"]) func `that cannot be read say why`(path: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.resolve(file: path, machine: Resolving.machine)
        }
        #expect(error?.code == .unreadableFile && error?.message.hasPrefix("\(path): ") == true)
    }

    @Test func `without an end are not read to it`() {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.resolve(file: "/dev/zero", machine: Resolving.machine)
        }
        #expect(error?.code == .tooLarge)
    }
}
