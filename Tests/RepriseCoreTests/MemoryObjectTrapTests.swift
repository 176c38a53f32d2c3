import RepriseCore
import RepriseTesting
import Testing

/// Calls that break a precondition of a memory object.
@Suite struct MemoryObjectTrapTests {
    static func object() throws -> MemoryObject {
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: 1 << 20))
        return try pool.allocate(byteCount: 100, metadata: .plain(byteCount: 100))
    }

    @Test func `a release without references traps`() async {
        await #expect(processExitsWith: .failure) {
            let object = try Self.object()
            object.release()
            object.release()
        }
    }

    @Test func `a release of an object that is only pinned traps`() async {
        await #expect(processExitsWith: .failure) {
            let object = try Self.object()
            object.pin()
            object.release()
            object.release()
        }
    }

    @Test func `a retain without references traps`() async {
        await #expect(processExitsWith: .failure) {
            let object = try Self.object()
            object.release()
            object.retain()
        }
    }

    @Test func `a pin without references traps`() async {
        await #expect(processExitsWith: .failure) {
            let object = try Self.object()
            object.release()
            object.pin()
        }
    }

    @Test func `asking for the bytes after the last release traps`() async {
        await #expect(processExitsWith: .failure) {
            let object = try Self.object()
            object.release()
            _ = object.bytes.byteCount
        }
    }

    @Test(arguments: [-1, 98, 100, Int.max]) func `a copy past the end traps`(offset: Int) async {
        await #expect(processExitsWith: .failure) { [offset] in
            try Self.object().copy(from: ([1, 2, 3] as [UInt8]).rawSpan, at: offset)
        }
    }
}
