import RepriseCore
import RepriseRemote
import RepriseTesting

/// Memory for tests, and objects with known bytes in it.
enum TestMemory {
    static func make(byteCount: Int = 64 << 20) throws -> LocalCPUBackend {
        LocalCPUBackend(pool: try MemoryPool(MemoryPool.Configuration(byteCount: byteCount)))
    }

    /// An object of a tensor's layout, with one reference.
    static func object(
        _ memory: LocalCPUBackend,
        _ metadata: MemoryObjectMetadata = MemoryObjectMetadata(
            shape: [1, 1, 2, 8],
            dtype: .uint8,
            format: .kv2LTD
        ),
        seed: Int = 1
    ) throws -> MemoryObject {
        guard let object = try memory.allocate(metadata) else { throw NoMemory() }
        object.copy(from: bytes(object.byteCount, seed: seed).rawSpan)
        return object
    }

    struct NoMemory: Error {}

    static func bytes(_ count: Int, seed: Int = 1) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8) ^ seed) }
    }

    /// What is in an object, which is released.
    static func take(_ object: MemoryObject?) -> [UInt8]? {
        guard let object else { return nil }
        defer { object.release() }
        return [UInt8](copying: object.bytes)
    }

    /// Memory for what a connector fetches, which counts what it has given.
    final class Allocator: Sendable {
        let memory: LocalCPUBackend
        private let given = Lock<[MemoryObject]>([])
        private let refusals: Lock<Int>

        init(_ memory: LocalCPUBackend, refusing count: Int = 0) {
            self.memory = memory
            refusals = Lock(count)
        }

        func allocate(_ byteCount: Int, _ metadata: MemoryObjectMetadata) -> MemoryObject? {
            let isRefused = refusals.withLock { count in
                count -= 1
                return count >= 0
            }
            guard !isRefused, let object = memory.allocateForLoad(byteCount: byteCount) else { return nil }
            object.describe(as: metadata)
            given.withLock { $0.append(object) }
            return object
        }

        /// Objects that were given and have been freed.
        var freedCount: Int { given.withLock { $0.count { !$0.isValid } } }
    }
}
