/// Which chunks of a pool are free, and who uses the others: the decisions of a pool, without memory or lock.
///
/// A chunk that is freed while its bytes are being copied becomes free when the last copy has ended.
struct ChunkSlots: Sendable {
    /// What an object shows to prove that a chunk is its own.
    struct Ticket: Hashable, Sendable {
        let slot: Int
        /// How often the chunk had been given back before.
        let generation: UInt64
    }

    enum Access { case read, write }

    private struct Slot {
        var generation: UInt64 = 0
        var isTaken = false
        var readerCount = 0
        var hasWriter = false

        var isIdle: Bool { readerCount == 0 && !hasWriter }
    }

    private var slots: [Slot]
    /// A stack: the chunk on top is taken next.
    private var free: [Int]

    init(count: Int) {
        slots = Array(repeating: Slot(), count: count)
        free = Array(0..<count)
    }

    var freeCount: Int { free.count }

    /// Takes the chunk that was given back last, or the highest that was never taken; `nil` when none is
    /// free.
    mutating func take() -> Ticket? {
        guard let slot = free.popLast() else { return nil }
        slots[slot].isTaken = true
        return Ticket(slot: slot, generation: slots[slot].generation)
    }

    /// Gives a chunk back; `nil` when that was done before, else whether it is free at once.
    mutating func give(_ ticket: Ticket) -> Bool? {
        guard isValid(ticket) else { return nil }
        slots[ticket.slot].isTaken = false
        slots[ticket.slot].generation += 1
        return pushIfUnused(ticket.slot)
    }

    func isValid(_ ticket: Ticket) -> Bool {
        slots[ticket.slot].isTaken && slots[ticket.slot].generation == ticket.generation
    }

    /// Begins an access to a chunk that is taken; `false` when another access excludes it.
    mutating func begin(_ access: Access, to ticket: Ticket) -> Bool {
        switch access {
        case .read:
            guard !slots[ticket.slot].hasWriter else { return false }
            slots[ticket.slot].readerCount += 1
        case .write:
            guard slots[ticket.slot].isIdle else { return false }
            slots[ticket.slot].hasWriter = true
        }
        return true
    }

    /// Ends an access; returns whether the chunk became free by that.
    mutating func end(_ access: Access, to ticket: Ticket) -> Bool {
        switch access {
        case .read: slots[ticket.slot].readerCount -= 1
        case .write: slots[ticket.slot].hasWriter = false
        }
        return pushIfUnused(ticket.slot)
    }

    private mutating func pushIfUnused(_ slot: Int) -> Bool {
        guard !slots[slot].isTaken, slots[slot].isIdle else { return false }
        free.append(slot)
        return true
    }
}
