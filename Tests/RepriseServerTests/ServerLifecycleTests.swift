import Glibc
import RepriseCore
import RepriseNode
import RepriseServer
import RepriseWire
import Testing

@Suite struct `Starting and stopping a server` {
    private static func node() throws -> any LMSBackend {
        try Node(NodeConfiguration(memoryByteCount: 4 << 20)).server
    }

    private static func start(host: String? = nil, port: UInt16 = 0, unixPath: String? = nil) throws -> Server
    {
        var configuration = ServerConfiguration()
        (configuration.host, configuration.port, configuration.unixPath) = (host, port, unixPath)
        return try Server(configuration, backend: try node())
    }

    private static func stop(_ server: Server) {
        server.stop()
        server.waitUntilStopped()
    }

    /// Whether a connection can be made and is answered.
    private static func answers(_ path: String) -> Bool {
        (try? TestClient(unixPath: path).ask(.health)) ?? false
    }

    @Test(arguments: [false, true])
    func `draining lets a put come to its end and closes what is idle`(isUnix: Bool) throws {
        let server = try TestServer(threadCount: 2, isUnix: isUnix)
        let idle = try server.connect()
        #expect(try idle.ask(.health))
        let client = try server.connect()
        let request = try client.putRequest("a", payload(seed: 1, 300_000))
        try client.send(Array(request.prefix(150_000)))
        server.wait("reprise_memory_reserved_bytes", is: 303_104)
        server.server.drain()
        #expect(idle.receivesEnd())
        server.wait("connections are refused") { (try? server.connect()) == nil }
        try client.send(Array(request.dropFirst(150_000)))
        #expect(client.receivesEnd())
        server.server.waitUntilStopped()
        let object = try #require(server.node.server.get("a"))
        #expect([UInt8](copying: object.bytes) == payload(seed: 1, 300_000))
        object.release()
        server.expectNothingLeaked()
    }

    @Test func `draining lets a reply come to its end`() throws {
        let server = try TestServer()
        let client = try server.connect(receiveBufferByteCount: 32_768)
        try client.put("a", payload(seed: 1, 6 << 20))
        try client.send(try client.request(.get, "a"))
        server.wait("reprise_get_hits_total", is: 1)
        server.server.drain()
        #expect(try client.receiveReply().payload == payload(seed: 1, 6 << 20))
        #expect(client.receivesEnd())
        client.close()
        server.server.waitUntilStopped()
    }

    @Test func `draining ends after its longest time`() throws {
        var limits = ServerLimits()
        limits.drainTimeMax = .milliseconds(50)
        let server = try TestServer(limits: limits)
        let client = try server.connect()
        try client.send(Array(try client.putRequest("a", payload(seed: 1, 300_000)).prefix(150_000)))
        server.wait("reprise_memory_reserved_bytes", is: 303_104)
        server.server.drain()
        server.server.waitUntilStopped()
        #expect(client.receivesEnd())
        server.expectNothingLeaked()
    }

    @Test func `stopping closes every connection at once`() throws {
        let server = try TestServer(threadCount: 2)
        let (idle, busy) = try (server.connect(), server.connect())
        try busy.send(Array(try busy.putRequest("a", payload(seed: 1, 300_000)).prefix(150_000)))
        server.wait("reprise_memory_reserved_bytes", is: 303_104)
        server.server.stop()
        server.server.waitUntilStopped()
        #expect(idle.receivesEnd())
        #expect(busy.receivesEnd())
        server.expectNothingLeaked()
    }

    @Test(arguments: 0..<10) func `no client is left hanging by a stop`(round: Int) throws {
        let server = try TestServer(threadCount: 3)
        let clients = Lock<[TestClient]>([])
        let connector = Thread(name: "connector") {
            while let client = try? server.connect() { clients.withLock { $0.append(client) } }
        }
        server.wait("clients come") { clients.withLock { $0.count } > 5 * round }
        server.server.stop()
        server.server.waitUntilStopped()
        connector.join()
        var open = clients.withLock { $0 }
        // What the server never accepted is the system's to refuse.
        let unacceptedCount = open.count - server.statistic("reprise_connections_accepted_total")
        server.wait("every accepted client sees the end") {
            open.removeAll { $0.hasEnded }
            return open.count <= unacceptedCount
        }
        #expect(server.server.connectionCount == 0)
    }

    @Test func `a server that has stopped lets go of its backend`() throws {
        weak var weakBackend: LMSLocalBackend?
        do {
            let backend = try #require(try Self.node() as? LMSLocalBackend)
            weakBackend = backend
            var configuration = ServerConfiguration()
            configuration.port = 0
            let server = try Server(configuration, backend: backend)
            Self.stop(server)
        }
        #expect(weakBackend == nil)
    }

    @Test func `a port in use is a clear error`() throws {
        let first = try Self.start(host: "127.0.0.1")
        defer { Self.stop(first) }
        let port = try #require(first.endpoints.port)
        let error = #expect(throws: ServerError.self) { _ = try Self.start(host: "127.0.0.1", port: port) }
        #expect(error?.code == .addressInUse)
        #expect(error?.message.contains("\(port)") == true)
    }

    @Test func `an address of another machine is a clear error`() {
        let error = #expect(throws: ServerError.self) { _ = try Self.start(host: "192.0.2.1") }
        #expect(error?.code == .badAddress)
    }

    @Test(arguments: ["localhost", "::1"]) func `a name is served on each of its addresses`(host: String)
        throws
    {
        guard let server = try? Self.start(host: host) else {
            #expect(host == "::1", "only IPv6 may be missing")
            return
        }
        defer { Self.stop(server) }
        let port = try #require(server.endpoints.port)
        let client = try TestClient(port: port, isIPv6: host == "::1")
        #expect(try client.ask(.health))
    }

    @Test func `a Unix socket is its owner's only and goes with the server`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/s"
        let server = try Self.start(unixPath: path)
        var status = stat()
        // SAFETY: the path outlives the call, which writes the struct.
        #expect(unsafe lstat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(Self.answers(path))
        Self.stop(server)
        #expect(unsafe lstat(path, &status) != 0)
    }

    @Test func `a Unix socket that nobody listens on is replaced, a live one is not`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/s"
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // SAFETY: the path is shorter than the field; bind(2) reads the address.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(stale, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        close(stale)
        let server = try Self.start(unixPath: path)
        defer { Self.stop(server) }
        #expect(Self.answers(path))
        let error = #expect(throws: ServerError.self) {
            _ = try Self.start(host: "127.0.0.1", unixPath: path)
        }
        #expect(error?.code == .addressInUse)
        #expect(Self.answers(path))
    }

    @Test func `a file that is no socket is not replaced`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/file"
        // SAFETY: the path outlives the call.
        let descriptor = unsafe open(path, O_CREAT | O_WRONLY, 0o600)
        close(descriptor)
        let error = #expect(throws: ServerError.self) { _ = try Self.start(unixPath: path) }
        #expect(error?.code == .addressInUse)
        #expect(unsafe access(path, F_OK) == 0)
    }

    @Test func `a server that ends leaves its successor's socket alone`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/s"
        let first = try Self.start(unixPath: path)
        let client = try TestClient(unixPath: path)
        try client.send(Array(try client.putRequest("a", payload(seed: 1, 10_000)).prefix(5000)))
        first.drain()
        var second: Server?
        let deadline = ContinuousClock.now + .seconds(30)
        while second == nil, ContinuousClock.now < deadline { second = try? Self.start(unixPath: path) }
        Self.stop(first)
        #expect(Self.answers(path))
        if let second { Self.stop(second) }
        #expect(unsafe access(path, F_OK) != 0)
    }

    @Test(arguments: ["", String(repeating: "x", count: 108)])
    func `a path that no Unix socket can have is a clear error`(path: String) {
        let error = #expect(throws: ServerError.self) { _ = try Self.start(unixPath: path) }
        #expect(error?.code == .badAddress)
    }
}
