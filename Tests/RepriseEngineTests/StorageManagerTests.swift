import RepriseCore
import RepriseDisk
import RepriseTesting
import Testing

@testable import RepriseEngine

/// Memory and disks behind one manager: K72 to K76 of the acceptance list.
@Suite struct StorageManagerTests {
    /// Which backends a test composes.
    enum Composition: CaseIterable, Sendable {
        case memory, memoryAndDisk, disk, twoDisks

        var storesInMemory: Bool { self == .memory || self == .memoryAndDisk }
        var diskCount: Int { self == .memory ? 0 : self == .twoDisks ? 2 : 1 }
    }

    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func make(
        _ composition: Composition,
        memoryByteCount: Int = 8 << 20,
        limits: StorageManagerLimits = StorageManagerLimits()
    ) throws -> StorageManager {
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: memoryByteCount))
        let memory = LocalCPUBackend(pool: pool, storesValues: composition.storesInMemory)
        let slower = try (0..<composition.diskCount).map { number in
            let path = "\(directory.path)/\(number)"
            let configuration = DiskConfiguration(path: path, byteCount: 64 << 20)
            return StorageTier(
                name: number == 0 ? "LocalDiskBackend" : "SecondDiskBackend",
                backend: try LocalDiskBackend([configuration], memory: memory)
            )
        }
        return StorageManager(memory: memory, slower: slower, limits: limits)
    }

    private func bytes(_ seed: Int, count: Int = 10_000) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: seed), count: count)
    }

    private func put(_ manager: StorageManager, _ key: StorageKey, _ bytes: [UInt8]) throws {
        let metadata = MemoryObjectMetadata(shape: [bytes.count], dtype: .uint8, format: .binary)
        let object = try #require(try manager.allocate(metadata))
        object.copy(from: bytes.rawSpan)
        manager.put(key, object)
        object.release()
    }

    private func awaitPuts(_ manager: StorageManager, _ keys: [StorageKey]) {
        while keys.contains(where: { key in manager.tiers.contains { $0.backend.existsInPutTasks(key) } }) {
            Thread.sleep(milliseconds: 1)
        }
    }

    private func get(_ manager: StorageManager, _ key: StorageKey) -> [UInt8]? {
        Threads.map(1) { _ in
            guard let object = manager.get(key) else { return nil }
            defer { object.release() }
            return [UInt8](copying: object.bytes)
        }[0]
    }

    private func keys(_ count: Int) -> [StorageKey] { (0..<count).map { StorageKey("key-\($0)") } }

    @Test(arguments: Composition.allCases)
    func `K72 what was put is got, whatever backends there are`(composition: Composition) throws {
        let manager = try make(composition)
        let keys = keys(10)
        for (number, key) in keys.enumerated() { try put(manager, key, bytes(number)) }
        awaitPuts(manager, keys)
        for (number, key) in keys.enumerated() { #expect(get(manager, key) == bytes(number)) }
        #expect(get(manager, "absent") == nil)
        manager.close()
    }

    @Test func `K73 what memory has evicted is served by the disk, and promoted`() throws {
        let manager = try make(.memoryAndDisk)
        try put(manager, "k", bytes(7))
        awaitPuts(manager, ["k"])
        #expect(manager.memory.remove("k"))
        #expect(manager.location(of: "k") == "LocalDiskBackend")
        #expect(get(manager, "k") == bytes(7))
        #expect(manager.location(of: "k") == StorageManager.memoryName)
        manager.close()
    }

    @Test func `a value is promoted to every faster backend`() throws {
        let manager = try make(.twoDisks)
        try put(manager, "k", bytes(7))
        awaitPuts(manager, ["k"])
        _ = Threads.map(1) { _ in manager.tiers[1].backend.remove("k") }
        #expect(manager.location(of: "k") == "SecondDiskBackend")
        #expect(get(manager, "k") == bytes(7))
        awaitPuts(manager, ["k"])
        #expect(manager.location(of: "k") == "LocalDiskBackend")
        manager.close()
    }

    @Test func `K74 a prefetched value is in memory`() throws {
        let manager = try make(.memoryAndDisk)
        try put(manager, "k", bytes(7))
        awaitPuts(manager, ["k"])
        #expect(manager.memory.remove("k"))
        let task = try #require(manager.prefetch("k"))
        #expect(Threads.map(1) { _ in task.wait() } == [true])
        #expect(manager.location(of: "k") == StorageManager.memoryName)
        #expect(manager.prefetch("absent") == nil)
        manager.close()
    }

    @Test(arguments: Composition.allCases)
    func `K75 references are given back once`(composition: Composition) throws {
        let manager = try make(composition)
        let keys = keys(8)
        for key in keys { try put(manager, key, bytes(1)) }
        awaitPuts(manager, keys)
        for key in keys { #expect(get(manager, key) != nil) }
        let wanted = composition.storesInMemory ? keys.count * 3 * AllocationUnit.byteCount : 0
        #expect(manager.memory.pool.usedByteCount == wanted)
        #expect(Threads.map(1) { _ in manager.clear() } == [keys.count])
        #expect(manager.memory.pool.usedByteCount == 0)
        manager.close()
    }

    /// The chunks that memory and the two disks have, and how long the prefix is that they have together.
    @Test(
        arguments: [
            ([0, 1, 2, 3, 4], [0, 1, 2, 3], [0, 1], 5), ([0, 1], [0, 1, 2, 3], [0, 1, 2, 3, 4], 5),
            ([0, 1, 4], [2, 3], [6], 5), ([0], [], [], 1), ([1, 2], [3], [4], 0), ([0], [1], [3], 2),
        ] as [([Int], [Int], [Int], Int)]
    )
    func `K76 the longest prefix counts that the backends have together`(
        memory: [Int],
        first: [Int],
        second: [Int],
        count: Int
    ) throws {
        let disks = try make(.twoDisks)
        let hot = try make(.memory)
        let manager = StorageManager(memory: hot.memory, slower: Array(disks.tiers.dropFirst()))
        let keys = keys(8)
        for (tier, numbers) in zip(manager.tiers, [memory, first, second]) {
            for number in numbers {
                let object = try #require(try manager.allocate(.plain(byteCount: 100)))
                tier.backend.submitPutTask(keys[number], object)
                object.release()
            }
        }
        awaitPuts(manager, keys)
        #expect(manager.lookup(keys) == count)
        #expect(manager.lookup(keys, pinningAs: "request") == count)
        manager.unpin("request")
        // No pin is left.
        #expect(!keys.contains { key in manager.tiers.contains { $0.backend.unpin(key) } })
        manager.close()
        disks.close()
    }

    @Test func `no older value comes back, however puts, removals and gets meet`() throws {
        let manager = try make(.memoryAndDisk, memoryByteCount: 512 << 10)
        let keys = keys(4)
        // The value's bytes are its version; each thread has a key's versions to itself.
        let failures = Threads.map(4) { thread -> [String] in
            var failures: [String] = []
            var random = SeededGenerator(seed: UInt64(thread))
            let key = keys[thread]
            var version = 0
            var isThere = false
            for _ in 0..<400 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    let count = Int.random(in: 1...60_000, using: &random)
                    guard let object = try? manager.allocate(.plain(byteCount: count)) else { continue }
                    version += 1
                    object.copy(from: [UInt8](repeating: UInt8(version % 251), count: count).rawSpan)
                    isThere = manager.put(key, object) > 0
                    object.release()
                case 1:
                    manager.remove(key)
                    isThere = false
                default:
                    // Another thread's key, so that loads are shared and memory is short.
                    if let other = manager.get(keys[(thread + 1) % 4]) { other.release() }
                    guard let object = manager.get(key) else { continue }
                    let bytes = [UInt8](copying: object.bytes)
                    object.release()
                    if !isThere { failures.append("\(key) came back") }
                    if bytes.contains(where: { $0 != UInt8(version % 251) }) {
                        failures.append("\(key) is not of version \(version)")
                    }
                }
            }
            return failures
        }
        #expect(failures.flatMap { $0 } == [])
        #expect(manager.isIdle)
        manager.close()
    }

    @Test func `a put that a backend refuses takes no later one with it`() throws {
        let memory = LocalCPUBackend(pool: try MemoryPool(MemoryPool.Configuration(byteCount: 4 << 20)))
        let backend = try RefusingBackend()
        let manager = StorageManager(memory: memory, slower: [StorageTier(name: "Slower", backend: backend)])
        let objects = try (1...3).map { version in
            let metadata = MemoryObjectMetadata(shape: [100], dtype: .uint8, format: .binary)
            let object = try #require(try manager.allocate(metadata))
            object.copy(from: bytes(version, count: 100).rawSpan)
            return object
        }
        manager.put("k", objects[0])
        let later = Lock<Thread?>(nil)
        backend.refuseOnce {
            // It cannot be through before the refusal is: that would be removed with what was there before.
            later.withLock { $0 = Thread(name: "later") { manager.put("k", objects[2]) } }
            Thread.sleep(milliseconds: 50)
        }
        manager.put("k", objects[1])
        later.withLock { $0 }?.join()
        let found = backend.getBlocking("k")
        #expect(found.map { [UInt8](copying: $0.bytes) } == bytes(3, count: 100))
        found?.release()
        for object in objects { object.release() }
        manager.close()
    }
}
