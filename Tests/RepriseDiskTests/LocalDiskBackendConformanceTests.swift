import RepriseCore
import RepriseDisk
import RepriseTesting
import Testing

@Suite struct LocalDiskBackendConformanceTests {
    @Test(arguments: BackendConformance.Check.allCases)
    func `the disk backend does what every backend has to do`(check: BackendConformance.Check) throws {
        let directory = try TemporaryDirectory()
        let conformance = BackendConformance(
            makeBackend: { try TestDisk.make(in: directory.path, byteCount: 16 << 20) },
            makeObject: TestDisk.makeObject
        )
        #expect(conformance.violations(of: check) == [])
    }

    @Test(arguments: BackendConformance.Check.allCases)
    func `several disks do what every backend has to do`(check: BackendConformance.Check) throws {
        let directory = try TemporaryDirectory()
        let conformance = BackendConformance(
            makeBackend: {
                let memory = try TestDisk.memory(byteCount: 32 << 20)
                let configurations = (0..<3).map {
                    DiskConfiguration(path: "\(directory.path)/\($0)", byteCount: 12 << 20)
                }
                return try LocalDiskBackend(configurations, memory: memory)
            },
            makeObject: TestDisk.makeObject
        )
        #expect(conformance.violations(of: check) == [])
    }
}
