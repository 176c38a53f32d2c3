import RepriseCore
import RepriseDisk
import RepriseRemote
import Testing

@testable import RepriseConfiguration

/// A value for each of Reprise's own settings, and how it is shown.
private let samples: [(name: String, text: String, shown: String)] = [
    ("host", "0.0.0.0", "0.0.0.0"), ("port", "0", "0"), ("unix", "/run/node.sock", "/run/node.sock"),
    ("tcp", "True", "true"), ("threads", "256", "256"), ("password_file", "/etc/password", "/etc/password"),
    ("unprotected", "1", "true"), ("lm_allow", "10.0.0.0/8,fd00::/8", "10.0.0.0/8,fd00::/8"),
    ("local_allow_uid", "1000,65534", "1000,65534"),
    ("cluster_announce", "[::1]:7000", "[::1]:7000"), ("memory", "50%", "8GiB"), ("evictor", "MRU", "mru"),
    ("mlock", "TRUE", "true"), ("disks", "/a:1GiB,/b:64MiB", "/a:1GiB,/b:64MiB"),
    ("disk_sync", "data", "data"),
    ("remote_url", "redis://u:secret@h:1/2", "redis://u:***@h:1/2"), ("remote_serde", "fp8", "fp8"),
    ("remote_timeout", "250ms", "250ms"), ("lookup_url", "h:6379", "redis://h:6379"),
    ("advertise", "h:7", "h:7"),
    ("enable_p2p", "false", "false"), ("max_value", "64MiB", "64MiB"), ("max_connections", "7", "7"),
    ("minimum_transfer_rate", "0B", "0B"), ("drain_time", "0s", "0s"), ("log_level", "Trace", "trace"),
    ("log_format", "json", "json"), ("max_local_disk_size", "0.5", "512MiB"), ("chunk_size", "16", "16"),
    ("local_cpu", "false", "false"), ("save_decode_cache", "true", "true"),
    ("save_unfull_chunk", "0", "false"),
    ("use_layerwise", "true", "true"), ("pre_caching_hash_algorithm", "sha256_cbor", "sha256_cbor"),
    ("min_retrieve_tokens", "512", "512"), ("pin_timeout_sec", "60", "1m"), ("lmcache_instance_id", "a", "a"),
]

@Suite struct `Reprise's settings` {
    @Test func `every setting has a sample here`() {
        #expect(Set(samples.map(\.name)) == Set(Setting.all.map(\.name)))
    }

    /// What a setting needs beside it.
    static func company(of name: String) -> String {
        name == "advertise" ? "lookup_url: h:1\n" : ""
    }

    @Test(arguments: samples.indices) func `a file sets it`(index: Int) throws {
        let (name, text, shown) = samples[index]
        let resolved = try Resolving.resolve("# first\n\(name): \"\(text)\"\n" + Self.company(of: name))
        let row = resolved.rows.first { $0.name == name }
        #expect(row?.value == shown)
        #expect(row?.origin == .file(path: "cache.yaml", line: 2))
    }

    @Test(arguments: samples.indices) func `a variable sets it`(index: Int) throws {
        let (name, text, shown) = samples[index]
        let variable = "REPRISE_\(name.uppercased())"
        let resolved = try Resolving.resolve(Self.company(of: name), environment: [variable: text])
        let row = resolved.rows.first { $0.name == name }
        #expect(row?.value == shown)
        #expect(row?.origin == .environment(variable: variable))
    }

    @Test(arguments: samples.indices) func `an option sets it`(index: Int) throws {
        let (name, text, shown) = samples[index]
        let resolved = try Resolving.resolve(Self.company(of: name), flags: Resolving.flags([name: text]))
        let row = resolved.rows.first { $0.name == name }
        let words = name.split(separator: "_").joined(separator: "-")
        #expect(row?.value == shown)
        #expect(row?.origin == .flag(name: "--\(words)"))
    }

    @Test func `values have their types`() throws {
        let yaml = """
            disks: [/var/lib/a:1GiB, "/with,comma:1MiB"]
            disk_sync: data
            memory: 40960000B
            remote_url: redis://:p@h:1/2
            remote_serde: fp8
            lookup_url: redis://h/1
            advertise: 10.0.0.1:65432
            cluster_announce: cache:7
            lm_allow:
              - 10.0.0.0/8
              - fd00::/8
            """
        let configuration = try Resolving.configuration(yaml)
        #expect(configuration.disks.map(\.path) == ["/var/lib/a", "/with,comma"])
        #expect(configuration.disks.map(\.byteCount) == [1 << 30, 1 << 20])
        #expect(configuration.disks.allSatisfy { $0.sync == DiskSync.data })
        #expect(configuration.memory.byteCount == 40_960_000)
        #expect(try configuration.remote?.url == RemoteURL(parsing: "redis://:p@h:1/2"))
        #expect(configuration.remote?.serde == .fp8 && configuration.remote?.timeout == .seconds(10))
        #expect(try configuration.peers?.lookupURL == RemoteURL(parsing: "redis://h/1"))
        #expect(configuration.peers?.advertisedAddress == HostAndPort(host: "10.0.0.1", port: 65432))
        #expect(configuration.server.clusterAnnouncement == HostAndPort(host: "cache", port: 7))
        #expect(configuration.server.lmAllowedNetworks == ["10.0.0.0/8", "fd00::/8"])
    }

    @Test(arguments: ["true", "True", "TRUE", "1"]) func `truths are written so`(text: String) throws {
        #expect(try Resolving.configuration("mlock: \(text)").memory.isLocked)
        #expect(try Resolving.configuration(environment: ["REPRISE_MLOCK": text]).memory.isLocked)
    }

    @Test(arguments: ["false", "False", "0"]) func `untruths are written so`(text: String) throws {
        let flags = Resolving.flags(["mlock": "true"])
        #expect(try Resolving.configuration("local_cpu: \(text)").engine.keepsInMemory == false)
        #expect(try Resolving.configuration("mlock: \(text)", flags: flags).memory.isLocked)
    }

    @Test(arguments: ["yes", "on", "2", "'tru'", "[true]", "{a: 1}"])
    func `everything else is neither`(text: String) {
        let message = Resolving.failure(.invalidValue, "\nmlock: \(text)")
        #expect(message.hasPrefix("cache.yaml:2: mlock: "))
    }
}
