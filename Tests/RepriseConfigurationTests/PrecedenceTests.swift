import RepriseCore
import RepriseDisk
import Testing

@testable import RepriseConfiguration

@Suite struct `Precedence` {
    @Test func `options win over variables, these over files, these over defaults`() throws {
        let yaml = "port: 1\nthreads: 1\nhost: file"
        let environment = ["REPRISE_PORT": "2", "REPRISE_THREADS": "2"]
        let resolved = try Resolving.resolve(
            yaml,
            environment: environment,
            flags: Resolving.flags(["port": "3"])
        )
        #expect(resolved.configuration.server.port == 3)
        #expect(resolved.configuration.server.threadCount == 2)
        #expect(resolved.configuration.server.host == "file")
        #expect(resolved.origin(of: "port") == .flag(name: "--port"))
        #expect(resolved.origin(of: "threads") == .environment(variable: "REPRISE_THREADS"))
        #expect(resolved.origin(of: "host") == .file(path: "cache.yaml", line: 3))
        #expect(resolved.origin(of: "memory") == .default)
    }

    @Test func `it holds across spellings`() throws {
        let yaml = "max_local_cpu_size: 1\ncache_policy: MRU\nlocal_disk: /a\nmax_local_disk_size: 1"
        let environment = ["LMCACHE_MAX_LOCAL_CPU_SIZE": "'2'", "REPRISE_DISKS": "/b:1GiB"]
        let configuration = try Resolving.configuration(yaml, environment: environment)
        #expect(configuration.memory.byteCount == 2 << 30)
        #expect(configuration.memory.evictionPolicy == .mru)
        #expect(configuration.disks.map(\.path) == ["/b"])
        let flags = Resolving.flags(["memory": "3GiB"])
        let flagged = try Resolving.configuration(yaml, environment: environment, flags: flags)
        #expect(flagged.memory.byteCount == 3 << 30)
    }

    @Test func `Reprise's variables win over LMCache's`() throws {
        let environment = ["LMCACHE_MAX_LOCAL_CPU_SIZE": "2", "REPRISE_MEMORY": "1GiB"]
        let resolved = try Resolving.resolve(environment: environment)
        #expect(resolved.configuration.memory.byteCount == 1 << 30)
        #expect(resolved.origin(of: "memory") == .environment(variable: "REPRISE_MEMORY"))
    }

    @Test func `two of LMCache's variables for one setting are an error`() {
        let environment = ["LMCACHE_MAX_LOCAL_CPU_SIZE": "2", "LMCACHE_MAX_LOCAL_CACHE_SIZE": "2"]
        let message = Resolving.failure(.duplicateSetting, environment: environment)
        #expect(message.contains("LMCACHE_MAX_LOCAL_CPU_SIZE") && message.contains("CACHE_SIZE"))
    }

    @Test(arguments: ["\"7\"", "'7'", " 7 ", " '7'\n"]) func `quotes around a variable go`(text: String)
        throws
    {
        #expect(try Resolving.configuration(environment: ["LMCACHE_CHUNK_SIZE": text]).engine.chunkSize == 7)
        #expect(try Resolving.configuration(environment: ["REPRISE_PORT": text]).server.port == 7)
    }

    @Test func `an empty variable is as good as none`() throws {
        let environment = ["REPRISE_PORT": "", "LMCACHE_LOCAL_DISK": "", "REPRISE_CONFIG": ""]
        #expect(try Resolving.resolve(environment: environment).rows == Resolving.resolve().rows)
    }

    @Test func `unknown variables of Reprise are errors with the nearest name`() {
        let message = Resolving.failure(.unknownSetting, environment: ["REPRISE_MEMROY": "1GiB"])
        #expect(message.contains("REPRISE_MEMROY") && message.contains("did you mean REPRISE_MEMORY?"))
    }

    @Test func `other variables are left alone`() throws {
        let environment = [
            "LMCACHE_LOG_LEVEL": "DEBUG", "LMCACHE_EC_CHUNK_SIZE": "x", "PATH": "x", "REPRISE_BIN": "x",
            "REPRISE_PASSWORD": "x", "REPRISE_SERVICE_HOST": "10.0.0.1", "REPRISE_SERVICE_PORT": "65432",
            "REPRISE_PORT": "tcp://10.0.0.1:65432", "REPRISE_PORT_65432_TCP_ADDR": "10.0.0.1",
            "REPRISE_DIRECTORY_PORT": "tcp://10.0.0.2:6379", "REPRISE_SOCKET": "x", "REPRISE_LIBRARY": "x",
            "REPRISE_VLLM_UNCHECKED": "1", "REPRISE_PROGRAM": "x",
        ]
        #expect(try Resolving.resolve(environment: environment).rows == Resolving.resolve().rows)
    }

    @Test func `a text without end is refused`() {
        let text = String(repeating: "a", count: ConfigurationLimits.textByteCountMax + 1)
        #expect(Resolving.failure(.tooLarge, environment: ["REPRISE_HOST": text]).hasPrefix("REPRISE_HOST: "))
    }
}

@Suite struct `The node as its own store` {
    @Test(arguments: [
        "lm://127.0.0.1:65432", "lm://localhost:65432", "redis://localhost:65432", "lm://[::1]:65432",
        "audit://lm://127.0.0.1:65432", "redis-cluster://other:1,127.0.0.1:65432",
    ])
    func `is ignored where engines are told it, and an error elsewhere`(url: String) throws {
        let resolved = try Resolving.resolve(environment: ["LMCACHE_REMOTE_URL": url])
        #expect(resolved.configuration.remote == nil)
        #expect(resolved.notices.count == 1 && resolved.notices[0].hasPrefix("LMCACHE_REMOTE_URL: "))
        let engineFile = try Resolving.resolve("remote_url: \"\(url)\"", isOfEngine: true)
        #expect(engineFile.configuration.remote == nil && engineFile.notices.count == 1)
        let message = Resolving.failure(.conflict, "remote_url: \"\(url)\"")
        #expect(message.hasPrefix("cache.yaml:1: remote_url: this is the node itself"))
        _ = Resolving.failure(.conflict, environment: ["REPRISE_REMOTE_URL": url])
        _ = Resolving.failure(.conflict, flags: Resolving.flags(["remote_url": url]))
    }

    @Test(arguments: [
        "lm://127.0.0.1:7000", "lm://other:65432", "lm://node-7:65432", "fs://h/a", "blackhole://",
    ])
    func `is another one by its host or port`(url: String) throws {
        let environment = ["LMCACHE_REMOTE_URL": url]
        #expect(try Resolving.configuration(environment: environment).remote != nil)
    }

    @Test func `goes by where the node listens`() throws {
        let environment = ["LMCACHE_REMOTE_URL": "lm://node-7:7000"]
        let everywhere = "host: 0.0.0.0\nport: 7000"
        #expect(try Resolving.configuration(everywhere, environment: environment).remote == nil)
        #expect(try Resolving.configuration("port: 7000", environment: environment).remote != nil)
        let announced = "lookup_url: h:1\nadvertise: node-7:7000"
        #expect(try Resolving.configuration(announced, environment: environment).remote == nil)
        let unix = ["LMCACHE_REMOTE_URL": "unix:///run/a.sock"]
        #expect(try Resolving.configuration("unix: /run/a.sock", environment: unix).remote == nil)
        #expect(try Resolving.configuration("unix: /run/b.sock", environment: unix).remote != nil)
    }

    @Test func `leaves the store that another place names`() throws {
        let environment = ["LMCACHE_REMOTE_URL": "lm://127.0.0.1:65432"]
        let resolved = try Resolving.resolve("remote_url: redis://h:1", environment: environment)
        #expect(resolved.configuration.remote != nil)
        #expect(resolved.origin(of: "remote_url") == .file(path: "cache.yaml", line: 1))
    }
}
