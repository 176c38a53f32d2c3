import RepriseCore
import RepriseTesting

@testable import RepriseDisk

/// Disk backends for tests.
enum TestDisk {
    /// A memory backend for values that are read.
    static func memory(byteCount: Int) throws -> LocalCPUBackend {
        LocalCPUBackend(pool: try MemoryPool(MemoryPool.Configuration(byteCount: byteCount)))
    }

    /// A backend of one disk.
    static func make(
        in path: String,
        byteCount: Int,
        sync: DiskSync = .none,
        lookupDirectory: (any LookupDirectory)? = nil
    ) throws -> LocalDiskBackend {
        var configuration = DiskConfiguration(path: path, byteCount: byteCount)
        configuration.sync = sync
        return try LocalDiskBackend(
            [configuration],
            memory: try memory(byteCount: 32 << 20),
            lookupDirectory: lookupDirectory
        )
    }

    /// An object of a backend's memory, with one reference.
    static func makeObject(_ backend: any StorageBackend, byteCount: Int) -> MemoryObject? {
        let metadata = MemoryObjectMetadata(shape: [byteCount], dtype: .uint8, format: .binary)
        guard let memory = (backend as? LocalDiskBackend)?.memory.withLock({ $0 }) else { return nil }
        return try? memory.allocate(metadata)
    }

    /// Puts bytes, and waits until they are stored.
    @discardableResult
    static func put(_ backend: LocalDiskBackend, _ key: StorageKey, _ bytes: [UInt8]) -> Bool {
        guard let object = makeObject(backend, byteCount: bytes.count) else { return false }
        object.copy(from: bytes.rawSpan)
        let task = backend.submitPutTask(key, object)
        object.release()
        return blocking { task?.wait() ?? false }
    }

    /// The bytes of a key, or `nil`.
    static func get(_ backend: LocalDiskBackend, _ key: StorageKey) -> [UInt8]? {
        guard let object = blocking({ backend.getBlocking(key) }) else { return nil }
        defer { object.release() }
        return [UInt8](copying: object.bytes)
    }

    /// What a call returns that may block: tests run in tasks, whose threads must not.
    static func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> Value {
        Threads.map(1) { _ in body() }[0]
    }
}
