/// The eviction policies that a backend can be configured with.
public enum EvictionPolicy: String, Hashable, Sendable, CaseIterable {
    /// Least recently used first; see ``LRUEvictor``.
    case lru
    /// Least frequently used first; see ``LFUEvictor``.
    case lfu
    /// First stored first; see ``FIFOEvictor``.
    case fifo
    /// Most recently used first; see ``MRUEvictor``.
    case mru
    /// Nothing is ever evicted; see ``DummyEvictor``.
    case dummy

    /// Finds a policy by its name, in upper or lower case; `none` is another name of `dummy`.
    ///
    /// - Throws: ``StorageError``: `invalidArgument` with the known names when there is no such policy.
    /// - Source: LMCache 0.5.6 cache policies.
    public init(name: String) throws(StorageError) {
        let lowercased = name.lowercased()
        if let policy = EvictionPolicy(rawValue: lowercased) {
            self = policy
        } else if lowercased == "none" {
            self = .dummy
        } else {
            let names = EvictionPolicy.allCases.map(\.rawValue).joined(separator: ", ")
            throw StorageError(
                .invalidArgument,
                "unknown eviction policy \"\(name)\"; use one of \(names), none"
            )
        }
    }

    /// Makes an evictor of this policy, without entries.
    ///
    /// - Parameter expectedSlotCount: How many slots to take memory for at once; the evictor grows beyond.
    public func makeEvictor(expectedSlotCount: Int = 0) -> any Evictor {
        switch self {
        case .lru: LRUEvictor(expectedSlotCount: expectedSlotCount)
        case .lfu: LFUEvictor(expectedSlotCount: expectedSlotCount)
        case .fifo: FIFOEvictor(expectedSlotCount: expectedSlotCount)
        case .mru: MRUEvictor(expectedSlotCount: expectedSlotCount)
        case .dummy: DummyEvictor()
        }
    }
}
