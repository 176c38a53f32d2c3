public import RepriseCore

/// What every evictor has to agree with: a table of entries, sorted anew for every question.
///
/// Meant to be obviously right. Each question is O(entries) or more.
public struct ReferenceEvictor {
    private struct Entry {
        var insertedAt: Int
        var placedAt: Int
        var frequency = 1
        var isSuspended = false
    }

    private let policy: EvictionPolicy
    private var entries: [EntrySlot: Entry] = [:]
    private var now = 0

    /// Creates a reference without entries.
    public init(policy: EvictionPolicy) {
        self.policy = policy
    }

    /// All entries that may be evicted, the first to leave first.
    public var candidates: [EntrySlot] {
        policy == .dummy
            ? [] : entries.filter { !$0.value.isSuspended }.keys.sorted { leaves($0, before: $1) }
    }

    /// The entry to evict first, or `nil`.
    public var firstCandidate: EntrySlot? {
        policy == .dummy ? nil : entries.filter { !$0.value.isSuspended }.keys.min { leaves($0, before: $1) }
    }

    /// Whether the entry is there, as a candidate or suspended.
    public func contains(_ slot: EntrySlot) -> Bool { entries[slot] != nil }

    /// Whether the entry is there and suspended.
    public func isSuspended(_ slot: EntrySlot) -> Bool { entries[slot]?.isSuspended == true }

    /// Adds a candidate.
    public mutating func insert(_ slot: EntrySlot) {
        now += 1
        entries[slot] = Entry(insertedAt: now, placedAt: now)
    }

    /// Notes a use.
    public mutating func recordHit(_ slot: EntrySlot) {
        now += 1
        entries[slot]?.frequency += 1
        entries[slot]?.placedAt = now
    }

    /// Takes an entry out of the candidates.
    public mutating func suspend(_ slot: EntrySlot) { entries[slot]?.isSuspended = true }

    /// Makes an entry a candidate again.
    public mutating func resume(_ slot: EntrySlot) {
        now += 1
        entries[slot]?.isSuspended = false
        entries[slot]?.placedAt = now
    }

    /// Forgets an entry.
    public mutating func remove(_ slot: EntrySlot) { entries[slot] = nil }

    private func leaves(_ left: EntrySlot, before right: EntrySlot) -> Bool {
        guard let left = entries[left], let right = entries[right] else { return false }
        return switch policy {
        case .lru, .dummy: left.placedAt < right.placedAt
        case .mru: left.placedAt > right.placedAt
        case .fifo: left.insertedAt < right.insertedAt
        case .lfu: (left.frequency, left.placedAt) < (right.frequency, right.placedAt)
        }
    }
}
