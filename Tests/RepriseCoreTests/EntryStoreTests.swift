import RepriseTesting
import Testing

@testable import RepriseCore

/// What a store does when a commit cannot go through.
@Suite struct EntryStoreTests {
    static func store(unitCount: Int) throws -> EntryStore {
        let pool = try MemoryPool(MemoryPool.Configuration(byteCount: unitCount * 4_096))
        return EntryStore(pool: pool, evictor: LRUEvictor(), limits: StoreLimits())
    }

    @Test func `a refused commit leaves the key's old value`() throws {
        let store = try Self.store(unitCount: 4)
        let old = try store.pool.allocate(MemoryPoolTests.bytes(1))
        let resident = try store.pool.allocate(MemoryPoolTests.bytes(1))
        #expect(store.commit("a", old, takesReference: false).isStored)
        #expect(store.commit("b", resident, takesReference: false).isStored)
        // The object is another key's entry: no entry of ours may share it.
        #expect(!store.commit("a", resident, takesReference: false).isStored)
        #expect(store.acquire("a") === old)
        #expect(store.currentStatistics.entryCount == 2)
        store.close()
    }

    @Test func `a commit after close is refused and changes nothing`() throws {
        let store = try Self.store(unitCount: 4)
        store.close()
        let object = try store.pool.allocate(MemoryPoolTests.bytes(1))
        #expect(!store.commit("a", object, takesReference: false).isStored)
        #expect(object.referenceCount == 1)
        #expect(!store.contains("a", recordingUse: true))
    }

    @Test func `a key that the store cannot hold is refused and the old values stay`() throws {
        let store = try Self.store(unitCount: 4)
        let object = try store.pool.allocate(MemoryPoolTests.bytes(1))
        let key = StorageKey([UInt8](repeating: 65, count: 3 << 20))
        #expect(!store.commit(key, object, takesReference: false).isStored)
        #expect(object.referenceCount == 1)
        #expect(store.currentStatistics.keyByteCount == 0)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 1_000, 1_016, 1_017, 2_040, 2_041, 65_536])
    func `keys of every length are found, listed and forgotten`(byteCount: Int) throws {
        let store = try Self.store(unitCount: 4)
        for round in 0..<3 as Range<UInt8> {
            let key = StorageKey([UInt8](repeating: round, count: byteCount))
            let object = try store.pool.allocate(MemoryPoolTests.bytes(1))
            #expect(store.commit(key, object, takesReference: true).isStored)
            #expect(store.contains(key, recordingUse: false))
            #expect(
                !store.contains(
                    StorageKey([UInt8](repeating: round, count: byteCount + 1)),
                    recordingUse: false
                )
            )
            #expect(store.keys() == [key])
            #expect(store.currentStatistics.keyByteCount == byteCount)
            #expect(store.remove(key).wasStored)
            #expect(store.keys().isEmpty)
        }
        #expect(store.pool.usedByteCount == 0)
    }
}
