import RepriseTesting
import Testing

@testable import RepriseCore

/// The decisions of a pool, without memory or threads.
@Suite struct PoolsSlotsTests {
    /// `#expect` cannot call what mutates a value.
    final class Slots {
        private var slots: ChunkSlots

        init(count: Int) { slots = ChunkSlots(count: count) }

        var freeCount: Int { slots.freeCount }

        func take() -> ChunkSlots.Ticket? { slots.take() }
        func give(_ ticket: ChunkSlots.Ticket) -> Bool? { slots.give(ticket) }
        func isValid(_ ticket: ChunkSlots.Ticket) -> Bool { slots.isValid(ticket) }

        func begin(_ access: ChunkSlots.Access, to ticket: ChunkSlots.Ticket) -> Bool {
            slots.begin(access, to: ticket)
        }

        func end(_ access: ChunkSlots.Access, to ticket: ChunkSlots.Ticket) -> Bool {
            slots.end(access, to: ticket)
        }
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `slots behave like a stack that never holds one twice`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let slots = Slots(count: 12)
        var stack = Array(0..<12)
        var taken: [ChunkSlots.Ticket] = []
        var given: [ChunkSlots.Ticket] = []
        for _ in 0..<2_000 {
            switch Int.random(in: 0..<5, using: &generator) {
            case 0, 1:
                let ticket = slots.take()
                #expect(ticket?.slot == stack.popLast())
                if let ticket { taken.append(ticket) }
            case 2, 3:
                guard let index = taken.indices.randomElement(using: &generator) else { continue }
                let ticket = taken.remove(at: index)
                #expect(slots.give(ticket) == true)
                stack.append(ticket.slot)
                given.append(ticket)
            default:
                guard let ticket = given.randomElement(using: &generator) else { continue }
                #expect(!slots.isValid(ticket))
                #expect(slots.give(ticket) == nil)
            }
            #expect(slots.freeCount == stack.count)
        }
    }

    @Test func `a slot given back while it is read is free after the last reader`() throws {
        let slots = Slots(count: 1)
        let ticket = try #require(slots.take())
        #expect(slots.begin(.read, to: ticket))
        #expect(slots.begin(.read, to: ticket))
        #expect(slots.give(ticket) == false)
        #expect(slots.take() == nil)
        #expect(!slots.end(.read, to: ticket))
        #expect(slots.take() == nil)
        #expect(slots.give(ticket) == nil)
        #expect(slots.end(.read, to: ticket))
        #expect(slots.take() == ChunkSlots.Ticket(slot: 0, generation: 1))
    }

    @Test func `a slot given back while it is written is free after the writer`() throws {
        let slots = Slots(count: 1)
        let ticket = try #require(slots.take())
        #expect(slots.begin(.write, to: ticket))
        #expect(slots.give(ticket) == false)
        #expect(slots.freeCount == 0)
        #expect(slots.end(.write, to: ticket))
        #expect(slots.freeCount == 1)
    }

    @Test func `an access that ends does not free a slot in use`() throws {
        let slots = Slots(count: 1)
        let ticket = try #require(slots.take())
        #expect(slots.begin(.write, to: ticket))
        #expect(!slots.end(.write, to: ticket))
        #expect(slots.freeCount == 0)
        #expect(slots.isValid(ticket))
    }

    @Test func `a write excludes every other access`() throws {
        let slots = Slots(count: 1)
        let ticket = try #require(slots.take())
        #expect(slots.begin(.write, to: ticket))
        #expect(!slots.begin(.write, to: ticket))
        #expect(!slots.begin(.read, to: ticket))
        #expect(!slots.end(.write, to: ticket))
        #expect(slots.begin(.read, to: ticket))
        #expect(!slots.begin(.write, to: ticket))
        #expect(!slots.end(.read, to: ticket))
        #expect(slots.begin(.write, to: ticket))
    }

    @Test func `a pool refuses a write that meets a read, and says so`() throws {
        let metadata = try KVPoolMetadata.small(chunkCount: 1)
        let pool = try LocalCPUPool(metadata, pinning: .never)
        let object = try #require(try pool.allocate(tokenCount: 5))
        try pool.store.beginAccess(.read, to: object.ticket)
        #expect { try object.write([UInt8](repeating: 1, count: 360).rawSpan) } throws: {
            ($0 as? StorageError)?.code == .invalidArgument
        }
        #expect(try object.readBytes() == [UInt8](repeating: 0, count: 360))
        #expect(pool.free(object))
        #expect(pool.freeChunkCount == 0)
        pool.store.endAccess(.read, to: object.ticket)
        #expect(pool.freeChunkCount == 1)
    }
}
