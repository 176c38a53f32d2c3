import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseDisk

/// K46 and K56 to K70 of LMCache's disk backend, on a real directory.
@Suite struct LocalDiskBackendTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func open(byteCount: Int = 8 << 20, sync: DiskSync = .none) throws -> LocalDiskBackend {
        try TestDisk.make(in: "\(directory.path)/a/b", byteCount: byteCount, sync: sync)
    }

    private func bytes(_ count: Int, _ seed: UInt8 = 1) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) ^ seed }
    }

    @Test func `K56 the directory is made, with those above it`() throws {
        let disk = try open()
        #expect(TemporaryDirectory.names(in: "\(directory.path)/a/b").contains("data"))
        disk.close()
    }

    @Test func `K57 a key is there once its put has ended`() throws {
        let disk = try open()
        #expect(!disk.contains("k"))
        #expect(TestDisk.put(disk, "k", bytes(5000)))
        #expect(disk.contains("k"))
        #expect(!disk.existsInPutTasks("k"))
        disk.close()
    }

    @Test func `K60 a value is read as it was put, with its metadata`() throws {
        let disk = try open()
        let metadata = MemoryObjectMetadata(shape: [2, 3, 4], dtype: .bfloat16, format: .kvT2D)
        let memory = try #require(disk.memory.withLock { $0 })
        let object = try #require(try memory.allocate(metadata))
        object.copy(from: bytes(48).rawSpan)
        let put = disk.submitPutTask("k", object)
        #expect(TestDisk.blocking { put?.wait() == true })
        object.release()
        let read = try #require(TestDisk.blocking { disk.getBlocking("k") })
        #expect(read.metadata == metadata)
        #expect([UInt8](copying: read.bytes) == bytes(48))
        read.release()
        #expect(TestDisk.blocking { disk.getBlocking("absent") == nil })
        disk.close()
    }

    @Test func `K61 a prefetch of an absent key is none, and of a stored one its value`() throws {
        let disk = try open()
        #expect(disk.submitPrefetchTask("k") == nil)
        TestDisk.put(disk, "k", bytes(100))
        let task = try #require(disk.submitPrefetchTask("k"))
        let object = try #require(TestDisk.blocking { task.wait() })
        #expect([UInt8](copying: object.bytes) == bytes(100))
        object.release()
        disk.close()
    }

    @Test func `K63 close takes its keys out of the lookup directory`() throws {
        let lookup = LocalLookupDirectory()
        let disk = try TestDisk.make(in: directory.path, byteCount: 1 << 20, lookupDirectory: lookup)
        TestDisk.put(disk, "a", bytes(10))
        TestDisk.put(disk, "b", bytes(10))
        #expect(Set(lookup.keys) == ["a", "b"])
        TestDisk.blocking { _ = disk.remove("a") }
        #expect(lookup.keys == ["b"])
        disk.close()
        #expect(lookup.keys.isEmpty)
    }

    @Test func `K66 what can never fit is refused, and changes nothing`() throws {
        let disk = try open(byteCount: 1 << 20)
        TestDisk.put(disk, "k", bytes(100))
        #expect(!TestDisk.put(disk, "large", bytes(2 << 20)))
        #expect(!TestDisk.put(disk, StorageKey([UInt8](repeating: 65, count: 5000)), bytes(10)))
        #expect(disk.keys == ["k"])
        #expect(disk.statistics[0].refusedCount == 2)
        disk.close()
    }

    @Test func `the longest key that fits in a header is stored`() throws {
        let disk = try open(byteCount: 1 << 20)
        let key = StorageKey([UInt8](repeating: 65, count: LocalDiskBackend.keyByteCountMax))
        #expect(TestDisk.put(disk, key, bytes(10)))
        #expect(TestDisk.get(disk, key) == bytes(10))
        disk.close()
    }

    @Test(arguments: [DiskSync.none, .data])
    func `K68 a disk that is opened again has its keys in their order`(sync: DiskSync) throws {
        var disk = try open(sync: sync)
        let keys = (0..<40).map { StorageKey("key-\($0)") }
        for (index, key) in keys.enumerated() { TestDisk.put(disk, key, bytes(6000, UInt8(index))) }
        _ = TestDisk.get(disk, keys[3])
        let before = disk.keys
        disk.close()
        disk = try open(sync: sync)
        #expect(disk.keys == before)
        #expect(disk.keys.last == keys[3])
        for (index, key) in keys.enumerated() {
            #expect(TestDisk.get(disk, key) == bytes(6000, UInt8(index)))
        }
        #expect(disk.statistics[0].entryCount == 40)
        disk.close()
    }

    @Test func `K68 capacity holds over restarts, and the files stay within the size`() throws {
        for round in 0..<3 {
            let disk = try open(byteCount: 2 << 20)
            for number in 0..<400 { TestDisk.put(disk, StorageKey("\(round)-\(number)"), bytes(9000)) }
            let statistics = disk.statistics[0]
            #expect(statistics.usedByteCount <= statistics.capacityByteCount)
            #expect(statistics.evictionCount > 0)
            disk.close()
            let names = TemporaryDirectory.names(in: "\(directory.path)/a/b")
            let total = names.reduce(0) { sum, name in
                sum + (FileSystem.contents(ofFile: "\(directory.path)/a/b/\(name)")?.count ?? 0)
            }
            #expect(total <= 2 << 20)
        }
    }

    @Test func `K69 keys that look alike do not collide`() throws {
        let disk = try open()
        TestDisk.put(disk, "a/b", bytes(10, 1))
        TestDisk.put(disk, "a-b", bytes(10, 2))
        #expect(TestDisk.get(disk, "a/b") == bytes(10, 1))
        #expect(TestDisk.get(disk, "a-b") == bytes(10, 2))
        disk.close()
    }

    @Test func `a second opener is told who has the directory`() throws {
        let disk = try open()
        let error = try #require(throws: StorageError.self) { _ = try open() }
        #expect(error.message.contains("in use by process"))
        disk.close()
        try open().close()
    }

    @Test func `a path that is a file, and a size that is too small, are refused`() throws {
        #expect(throws: StorageError.self) { try TestDisk.make(in: "/proc/self/exe", byteCount: 8 << 20) }
        #expect(throws: StorageError.self) { try open(byteCount: 4096) }
        #expect(throws: StorageError.self) { try open(byteCount: 1 << 60) }
    }

    @Test func `a disk can be made larger and smaller`() throws {
        var disk = try open(byteCount: 4 << 20)
        for number in 0..<200 { TestDisk.put(disk, StorageKey("\(number)"), bytes(9000, UInt8(number))) }
        for size in [8 << 20, 2 << 20] {
            disk.close()
            disk = try open(byteCount: size)
            #expect(disk.disks[0].consistencyCheck() == nil)
            for key in disk.keys { #expect(TestDisk.get(disk, key) == bytes(9000, UInt8(key.text) ?? 0)) }
            #expect(!disk.keys.isEmpty)
        }
        disk.close()
    }

    @Test func `a million entries would take at most 200 bytes of memory each beside their keys`() throws {
        let disk = try open(byteCount: 512 << 20)
        let memory = try #require(disk.memory.withLock { $0 })
        let object = try #require(memory.allocateForLoad(byteCount: 8))
        // No more at a time than may wait to be written.
        for first in stride(from: 0, to: 20_000, by: 1000) {
            let tasks = (first..<first + 1000).map {
                disk.submitPutTask(StorageKey("vllm@model@\($0)"), object)
            }
            TestDisk.blocking { for task in tasks { _ = task?.wait() } }
        }
        object.release()
        let statistics = disk.statistics[0]
        #expect(statistics.entryCount == 20_000)
        // The first segments of index and keys are taken whole: 2 MiB each.
        #expect(statistics.indexByteCount - (4 << 20) < 200 * statistics.entryCount)
        disk.close()
    }
}
