/// Changes that a connection's replies acknowledge and that are not recorded yet: from each one's place on,
/// nothing is sent.
struct RecordBarriers {
    private struct Barrier {
        /// How many bytes of replies came before it.
        let position: Int
        /// When to close the connection because the change is still not recorded.
        let deadline: ContinuousClock.Instant
        var isRecorded = false
    }

    /// In order; those before `start` are lifted.
    private var barriers: [Barrier] = []
    private var start = 0
    /// Barriers that are no longer among `barriers`.
    private var forgottenCount: UInt64 = 0

    /// Barriers that are not lifted.
    var count: Int { barriers.count - start }

    var isEmpty: Bool { count == 0 }

    /// The place from which on nothing is sent.
    var position: Int? { isEmpty ? nil : barriers[start].position }

    /// When the first one is to be lifted.
    var deadline: ContinuousClock.Instant? { isEmpty ? nil : barriers[start].deadline }

    /// Adds a barrier behind the others, and returns its number.
    mutating func append(at position: Int, deadline: ContinuousClock.Instant) -> UInt64 {
        barriers.append(Barrier(position: position, deadline: deadline))
        return forgottenCount + UInt64(barriers.count - 1)
    }

    /// Notes that a barrier's change is recorded; says whether the first one moved.
    mutating func lift(_ number: UInt64) -> Bool {
        barriers[Int(number - forgottenCount)].isRecorded = true
        let before = start
        while start < barriers.count, barriers[start].isRecorded { start += 1 }
        if start == barriers.count || start > barriers.count / 2 {
            barriers.removeFirst(start)
            forgottenCount += UInt64(start)
            defer { start = 0 }
            return start != before
        }
        return start != before
    }
}
