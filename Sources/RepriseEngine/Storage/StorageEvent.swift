public import RepriseCore

/// What happened to a key in a storage manager.
public struct StorageEvent: Hashable, Sendable {
    /// What happened.
    public enum Kind: Hashable, Sendable {
        /// A backend took the value, put or promoted; one that writes it behind may still lose it.
        case stored
        /// A backend refused the value, and has none of the key.
        case refused
        /// A backend gave the value. Those who wait for a load that is under way have no event of their own.
        case loaded
        /// No backend has the key.
        case missed
        /// A backend had the key, and was told to forget it.
        case removed
    }

    /// What happened.
    public let kind: Kind
    /// To which key.
    public let key: StorageKey
    /// In which backend; `nil` for what no backend has.
    public let backendName: String?

    /// Describes an event.
    public init(_ kind: Kind, _ key: StorageKey, in backendName: String?) {
        self.kind = kind
        self.key = key
        self.backendName = backendName
    }
}

/// Told what happens in a storage manager, by the thread that does it and after it is done; no lock is held.
///
/// Events of different threads may come in another order than what they tell of.
public typealias StorageObserver = @Sendable (StorageEvent) -> Void

/// Some of a storage manager's backends, by their positions.
struct TierSet {
    private var bits: UInt64 = 0

    static let countMax = UInt64.bitWidth

    var count: Int { bits.nonzeroBitCount }

    func contains(_ place: Int) -> Bool { bits & 1 << UInt64(place) != 0 }

    mutating func insert(_ place: Int) { bits |= 1 << UInt64(place) }
}

extension StorageManager {
    /// Tells that a value was offered to the first backends, of which some took it.
    func reportOffer(_ key: StorageKey, to offered: Range<Int>, taken: TierSet) {
        guard let observer else { return }
        for place in offered {
            // Memory that only lends itself refuses nothing.
            if place == 0, !memory.storesValues { continue }
            observer(StorageEvent(taken.contains(place) ? .stored : .refused, key, in: tiers[place].name))
        }
    }

    /// Tells where a key was found, or that it was not, and which faster backends took it.
    func report(_ key: StorageKey, foundAt place: Int?, promotedTo taken: TierSet? = nil) {
        guard let observer else { return }
        guard let place else {
            observer(StorageEvent(.missed, key, in: nil))
            return
        }
        observer(StorageEvent(.loaded, key, in: tiers[place].name))
        if let taken { reportOffer(key, to: 0..<place, taken: taken) }
    }
}
