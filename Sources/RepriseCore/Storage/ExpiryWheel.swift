/// The entries that expire, by when: a hierarchical timing wheel.
///
/// Eight levels of 64 slots, one millisecond wide at the lowest level and 64 times wider at each next one, so
/// that 8,900 years fit. Adding and taking out are O(1); an entry moves down at most seven times before it is
/// due, and stretches without entries are skipped by one bit mask a level. Links lie in one table indexed by
/// the entry's slot, whose pages are touched only by entries that expire. Not thread-safe: it lives under the
/// store's lock.
///
/// - Source: G. Varghese and T. Lauck, "Hashed and hierarchical timing wheels", SOSP 1987.
package struct ExpiryWheel: ~Copyable {
    private static let levelCount = 8
    private static let slotBitCount = 6
    private static let slotCount = 1 << slotBitCount
    /// Behind the wheel's lists: the one of entries whose time has come.
    private static let dueList = levelCount * slotCount
    private static let none = EntrySlot.max
    /// The clock may be set back by this much before the wheel is built anew.
    private static let clockStepMilliseconds: Int64 = 1000
    /// The latest time that the wheel can tell apart.
    static let deadlineMax: Int64 = 1 << (levelCount * slotBitCount) - 1

    // Not private: the compiler (6.3.1) breaks on private types in a noncopyable generic.
    struct Node: BitwiseCopyable {
        var deadline: Int64
        var next: EntrySlot
        var previous: EntrySlot
        var list: UInt16
    }

    private let nodes: LazyRegion<Node>
    /// The first entry of each list.
    private var heads: [EntrySlot]
    /// Of each level, which slots' lists have entries.
    private var occupied: [UInt64]
    /// Up to when the wheel has turned, in milliseconds since 1970.
    private var time: Int64
    /// Entries in the wheel.
    package private(set) var count = 0

    /// Creates an empty wheel for slots below `capacity`, turned to `now`.
    package init(capacity: Int, now: Int64) {
        nodes = LazyRegion(capacity: capacity)
        heads = Array(repeating: Self.none, count: Self.dueList + 1)
        occupied = Array(repeating: 0, count: Self.levelCount)
        time = max(0, now)
    }

    /// Bytes of the links of the entries in the wheel.
    package var byteCount: Int { count * MemoryLayout<Node>.stride }

    /// When an entry that is in the wheel expires.
    package func deadline(of slot: EntrySlot) -> Int64 { nodes[slot].deadline }

    /// Adds an entry that is not in the wheel.
    package mutating func insert(_ slot: EntrySlot, deadline: Int64) {
        nodes[slot].deadline = deadline
        link(slot)
        count += 1
    }

    /// Takes an entry out.
    ///
    /// - Precondition: it is in the wheel.
    package mutating func remove(_ slot: EntrySlot) {
        unlink(slot)
        count -= 1
    }

    /// Turns the wheel to `now` and returns an entry whose deadline has come, which stays in the wheel.
    ///
    /// - Parameter budget: How many entries may be moved; counted down, so that one critical section is
    ///   short.
    /// - Returns: `nil` when no entry is due, or the budget is spent.
    package mutating func firstDue(now: Int64, budget: inout Int) -> EntrySlot? {
        if now < time - Self.clockStepMilliseconds { rebuild(now: now) }
        while budget > 0 {
            let due = heads[Self.dueList]
            // A clock that was set back a little makes an entry due that is not yet.
            if due != Self.none { return nodes[due].deadline <= now ? due : nil }
            guard let (level, slot, start) = nextList, start <= now else {
                time = max(time, now)
                return nil
            }
            time = max(time, start)
            while budget > 0, heads[level * Self.slotCount + slot] != Self.none {
                let entry = heads[level * Self.slotCount + slot]
                unlink(entry)
                link(entry)
                budget -= 1
            }
        }
        return nil
    }

    /// A time at or before the earliest deadline: exact when it is near, else when the wheel must turn next;
    /// `nil` when nothing expires. While the clock is behind the wheel, by a second at most, the time of an
    /// entry that is due by the wheel.
    package var nextTurn: Int64? {
        if heads[Self.dueList] != Self.none { return nodes[heads[Self.dueList]].deadline }
        return nextList?.start
    }

    /// The list that comes first, and when it begins.
    private var nextList: (level: Int, slot: Int, start: Int64)? {
        var first: (level: Int, slot: Int, start: Int64)?
        for level in 0..<Self.levelCount where occupied[level] != 0 {
            let slot = occupied[level].trailingZeroBitCount
            let shift = level * Self.slotBitCount
            // Whatever waits at a level shares the wheel's time above that level's digit.
            let above = time & (Int64(-1) << Int64(shift + Self.slotBitCount))
            let start = above | Int64(slot) << Int64(shift)
            // A list that the last budget did not empty comes before the lower levels' lists.
            if first.map({ start < $0.start }) ?? true { first = (level, slot, start) }
        }
        return first
    }

    /// Puts an entry into the list that its deadline belongs to at the wheel's time.
    private mutating func link(_ slot: EntrySlot) {
        let deadline = min(nodes[slot].deadline, Self.deadlineMax)
        var list = Self.dueList
        if deadline > time {
            let level = (63 - (deadline ^ time).leadingZeroBitCount) / Self.slotBitCount
            let digit = Int(deadline >> Int64(level * Self.slotBitCount)) & (Self.slotCount - 1)
            list = level * Self.slotCount + digit
            occupied[level] |= 1 << UInt64(digit)
        }
        let next = heads[list]
        nodes[slot].list = UInt16(list)
        nodes[slot].next = next
        nodes[slot].previous = Self.none
        if next != Self.none { nodes[next].previous = slot }
        heads[list] = slot
    }

    private mutating func unlink(_ slot: EntrySlot) {
        let node = nodes[slot]
        if node.next != Self.none { nodes[node.next].previous = node.previous }
        if node.previous != Self.none {
            nodes[node.previous].next = node.next
            return
        }
        let list = Int(node.list)
        heads[list] = node.next
        if node.next == Self.none, list != Self.dueList {
            occupied[list / Self.slotCount] &= ~(1 << UInt64(list % Self.slotCount))
        }
    }

    /// Sorts every entry anew after the clock was set back.
    private mutating func rebuild(now: Int64) {
        var entries: [EntrySlot] = []
        entries.reserveCapacity(count)
        for list in heads.indices {
            var next = heads[list]
            while next != Self.none {
                entries.append(next)
                next = nodes[next].next
            }
            heads[list] = Self.none
        }
        for level in occupied.indices { occupied[level] = 0 }
        time = max(0, now)
        for entry in entries { link(entry) }
    }
}
