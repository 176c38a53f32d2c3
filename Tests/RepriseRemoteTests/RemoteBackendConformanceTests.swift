import RepriseCore
import RepriseNode
import RepriseRemote
import RepriseServer
import RepriseTesting
import Testing

/// What every backend has to do, over each connector that needs no other program.
@Suite struct RemoteBackendConformanceTests {
    private static func makeObject(_ backend: any StorageBackend, byteCount: Int) -> MemoryObject? {
        let metadata = MemoryObjectMetadata(shape: [byteCount], dtype: .uint8, format: .binary)
        guard let memory = (backend as? RemoteBackend)?.memory else { return nil }
        return try? memory.allocate(metadata)
    }

    private static func backend(_ url: String) throws -> RemoteBackend {
        let url = try RemoteURL(parsing: url)
        return RemoteBackend(memory: try TestMemory.make(byteCount: 32 << 20), url: url)
    }

    private static func violations(_ check: BackendConformance.Check, _ url: String) -> [String] {
        BackendConformance(makeBackend: { try backend(url) }, makeObject: makeObject).violations(of: check)
    }

    @Test(arguments: BackendConformance.Check.allCases)
    func `files do what every backend has to do`(check: BackendConformance.Check) throws {
        let directory = try TemporaryDirectory()
        #expect(Self.violations(check, "fs://here\(directory.path)/a,\(directory.path)/b") == [])
    }

    @Test(arguments: BackendConformance.Check.allCases, ["lm", "redis", "audit", "lmcache"])
    func `a node does what every backend has to do`(check: BackendConformance.Check, scheme: String) throws {
        let server = try TestNode()
        defer { server.stop() }
        let host = "127.0.0.1:\(server.port)"
        let url =
            switch scheme {
            case "audit": "audit://redis://\(host)"
            case "lmcache": "redis://\(host)?layout=lmcache"
            default: "\(scheme)://\(host)"
            }
        #expect(Self.violations(check, url) == [])
    }
}
