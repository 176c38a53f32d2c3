/// Slots in an order, as doubly linked 32-bit indices in one array.
///
/// A slot is *absent*, *linked* (it has a place in the order) or *parked* (known, without a place). The array
/// grows to the largest slot ever added and never shrinks; it takes 8 bytes per slot. Links instead of nodes
/// of a class: a step costs about 2 ns instead of 17, and nothing is retained or released.
///
/// All calls are O(1); adding a slot beyond the array's end is amortised O(1).
internal struct EvictionList: ~Copyable {
    // Internal, not private: Swift 6.3.1 emits a broken module in debug builds when a private type is the
    // argument of a noncopyable generic that another file destroys.

    /// The neighbours of a node; node 0 is the sentinel that closes the ring, node `slot + 1` belongs to
    /// `slot`.
    internal struct Link: BitwiseCopyable {
        var previous: UInt32
        var next: UInt32

        static let absent = Link(previous: .max, next: .max)
        static let parked = Link(previous: .max - 1, next: .max - 1)

        /// Both marks lie above every node's index.
        var isLinked: Bool { next < Link.parked.next }
        var isKnown: Bool { next != Link.absent.next }
    }

    private let links: SlotArray<Link>

    /// Creates an empty list with memory reserved for slots below `expectedSlotCount`.
    init(expectedSlotCount: Int) {
        links = SlotArray(reserving: expectedSlotCount + 1)
        links.extend(toCount: 1, repeating: Link(previous: 0, next: 0))
    }

    /// Whether the slot is linked or parked.
    func contains(_ slot: EntrySlot) -> Bool {
        let node = Int(slot) + 1
        return node < links.count && links[node].isKnown
    }

    /// Whether the slot has a place in the order.
    func isLinked(_ slot: EntrySlot) -> Bool {
        let node = Int(slot) + 1
        return node < links.count && links[node].isLinked
    }

    /// The slot at the front, or `nil` when none is linked.
    var first: EntrySlot? { slot(ofNode: links[0].next) }

    /// The slot at the end, or `nil` when none is linked.
    var last: EntrySlot? { slot(ofNode: links[0].previous) }

    /// The slot behind a linked one, or `nil` at the end; traps when `slot` is not linked.
    func slot(after slot: EntrySlot) -> EntrySlot? {
        precondition(isLinked(slot), "entry \(slot) has no place in the eviction order")
        return self.slot(ofNode: links[Int(slot) + 1].next)
    }

    /// The slot before a linked one, or `nil` at the front; traps when `slot` is not linked.
    func slot(before slot: EntrySlot) -> EntrySlot? {
        precondition(isLinked(slot), "entry \(slot) has no place in the eviction order")
        return self.slot(ofNode: links[Int(slot) + 1].previous)
    }

    /// Brings the links of a slot closer, because they will be followed soon.
    func prefetch(_ slot: EntrySlot) { links.prefetch(Int(slot) + 1) }

    /// Adds an absent slot at the end; traps when it is already in the list.
    func append(_ slot: EntrySlot) {
        makeRoom(for: slot)
        link(slot, behindNode: links[0].previous)
    }

    /// Adds an absent slot behind a linked one, or at the front; traps when it is already in the list.
    func insert(_ slot: EntrySlot, after predecessor: EntrySlot?) {
        makeRoom(for: slot)
        guard let predecessor else { return link(slot, behindNode: 0) }
        precondition(isLinked(predecessor), "entry \(predecessor) has no place in the eviction order")
        link(slot, behindNode: predecessor + 1)
    }

    /// Moves a slot to the end of the order; a parked one stays parked. Traps when it is absent.
    func moveToEnd(_ slot: EntrySlot) {
        let node = Int(slot) + 1
        precondition(node < links.count, "entry \(slot) is not in the evictor")
        let link = links[node]
        precondition(link.isKnown, "entry \(slot) is not in the evictor")
        guard link.isLinked, link.next != 0 else { return }
        detach(link)
        self.link(slot, behindNode: links[0].previous)
    }

    /// Takes a linked slot out of the order and keeps it known; traps when it is not linked.
    func park(_ slot: EntrySlot) {
        precondition(isLinked(slot), "entry \(slot) is not a candidate")
        unlink(slot, leaving: .parked)
    }

    /// Gives a parked slot the place at the end; traps when it is not parked.
    func unpark(_ slot: EntrySlot) {
        precondition(contains(slot) && !isLinked(slot), "entry \(slot) is not suspended")
        link(slot, behindNode: links[0].previous)
    }

    /// Forgets a linked or parked slot; traps when it is absent.
    func remove(_ slot: EntrySlot) {
        precondition(contains(slot), "entry \(slot) is not in the evictor")
        if isLinked(slot) {
            unlink(slot, leaving: .absent)
        } else {
            links[Int(slot) + 1] = .absent
        }
    }

    private func slot(ofNode node: UInt32) -> EntrySlot? { node == 0 ? nil : node - 1 }

    private func makeRoom(for slot: EntrySlot) {
        precondition(slot < Link.parked.next - 1, "slot \(slot) is beyond the largest an evictor can hold")
        let node = Int(slot) + 1
        links.extend(toCount: node + 1, repeating: .absent)
        precondition(!links[node].isKnown, "entry \(slot) is already in the evictor")
    }

    private func link(_ slot: EntrySlot, behindNode predecessor: UInt32) {
        let node = slot + 1
        let successor = links[Int(predecessor)].next
        links[Int(node)] = Link(previous: predecessor, next: successor)
        links[Int(predecessor)].next = node
        links[Int(successor)].previous = node
    }

    private func unlink(_ slot: EntrySlot, leaving mark: Link) {
        detach(links[Int(slot) + 1])
        links[Int(slot) + 1] = mark
    }

    /// Joins the neighbours of a linked node.
    private func detach(_ link: Link) {
        links[Int(link.previous)].next = link.next
        links[Int(link.next)].previous = link.previous
    }
}
