import RepriseCore
import Testing

@Suite struct EvictionPolicyTests {
    @Test(arguments: [
        ("lru", EvictionPolicy.lru), ("LRU", .lru), ("Lru", .lru), ("lfu", .lfu), ("LFU", .lfu),
        ("fifo", .fifo),
        ("FIFO", .fifo), ("mru", .mru), ("MRU", .mru), ("dummy", .dummy), ("Dummy", .dummy), ("none", .dummy),
    ])
    func `a policy is found by its name in any case`(name: String, policy: EvictionPolicy) throws {
        #expect(try EvictionPolicy(name: name) == policy)
    }

    @Test(arguments: ["", "clock", " lru", "lru2"])
    func `an unknown name is an error that lists the known ones`(name: String) {
        let error = #expect(throws: StorageError.self) { try EvictionPolicy(name: name) }
        #expect(error?.code == .invalidArgument)
        for known in ["lru", "lfu", "fifo", "mru", "dummy", "none", "\"\(name)\""] {
            #expect(error?.message.contains(known) == true)
        }
    }

    @Test func `each policy makes its own evictor`() {
        #expect(EvictionPolicy.lru.makeEvictor() is LRUEvictor)
        #expect(EvictionPolicy.lfu.makeEvictor() is LFUEvictor)
        #expect(EvictionPolicy.fifo.makeEvictor() is FIFOEvictor)
        #expect(EvictionPolicy.mru.makeEvictor() is MRUEvictor)
        #expect(EvictionPolicy.dummy.makeEvictor(expectedSlotCount: 8) is DummyEvictor)
    }
}
