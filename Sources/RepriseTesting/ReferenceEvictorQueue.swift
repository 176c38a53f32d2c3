public import RepriseCore

/// A second reference, fast enough for long traces: queues of tickets, of which all but an entry's last are
/// void.
///
/// Every use appends a ticket to the queue of the entry's frequency; eviction discards void tickets until it
/// meets a valid one. It knows no suspension. Amortised O(1), except that LFU walks up from frequency 1.
public struct ReferenceEvictorQueue {
    private struct Ticket {
        let block: UInt32
        let number: Int
    }

    private let policy: EvictionPolicy
    private var queues: [Int: [Ticket]] = [:]
    private var heads: [Int: Int] = [:]
    private var validNumbers: [Int?]
    private var frequencies: [Int]
    private var now = 0

    /// Creates a reference without entries, for blocks numbered below `blockIDCount`.
    public init(policy: EvictionPolicy, blockIDCount: Int) {
        self.policy = policy
        validNumbers = Array(repeating: nil, count: blockIDCount)
        frequencies = Array(repeating: 0, count: blockIDCount)
    }

    /// Whether the block is there.
    public func contains(_ block: UInt32) -> Bool { validNumbers[Int(block)] != nil }

    /// Adds a block.
    public mutating func insert(_ block: UInt32) {
        frequencies[Int(block)] = 1
        appendTicket(for: block)
    }

    /// Notes a use.
    public mutating func recordHit(_ block: UInt32) {
        guard policy != .fifo else { return }
        frequencies[Int(block)] += 1
        appendTicket(for: block)
    }

    /// Removes and returns the block to evict first; traps when there is none.
    public mutating func evict() -> UInt32 {
        var queue = 1
        while true {
            precondition(queue <= now, "nothing to evict")
            if let block = popValid(fromQueue: queue) {
                validNumbers[Int(block)] = nil
                return block
            }
            queue += 1
        }
    }

    private mutating func appendTicket(for block: UInt32) {
        now += 1
        validNumbers[Int(block)] = now
        queues[policy == .lfu ? frequencies[Int(block)] : 1, default: []].append(
            Ticket(block: block, number: now)
        )
    }

    private mutating func popValid(fromQueue queue: Int) -> UInt32? {
        var head = heads[queue] ?? 0
        defer { heads[queue] = head }
        while let count = queues[queue]?.count, head < count {
            let ticket = policy == .mru ? queues[queue]?.popLast() : queues[queue]?[head]
            if policy != .mru { head += 1 }
            if let ticket, isValid(ticket) { return ticket.block }
        }
        return nil
    }

    private func isValid(_ ticket: Ticket) -> Bool { validNumbers[Int(ticket.block)] == ticket.number }
}
