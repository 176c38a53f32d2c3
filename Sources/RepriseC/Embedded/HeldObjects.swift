internal import RepriseCore

/// What an embedded node holds for leases and lookups: which lookups there are, and bytes of both together.
struct HeldObjects {
    /// How long a lookup keeps what is not redeemed, as a node's does.
    static let keepingTime = Duration.seconds(30)
    /// Lookups kept; a further one ends the oldest.
    static let keptLookupCountMax = 1024

    private struct KeptLookup {
        let number: UInt64
        let deadline: ContinuousClock.Instant
        var objects: [StorageKey: MemoryObject]
    }

    private let byteCountMax: Int
    /// Bytes of leases and lookups.
    private(set) var byteCount = 0
    private var lastNumber: UInt64 = 0
    /// The oldest first.
    private var kept: [KeptLookup] = []

    init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

    /// Counts bytes that are about to be held; `false` when they are too many, unless they are all there is.
    mutating func hold(_ byteCount: Int) -> Bool {
        guard self.byteCount == 0 || byteCount <= byteCountMax - min(byteCountMax, self.byteCount) else {
            return false
        }
        self.byteCount += byteCount
        return true
    }

    /// Takes bytes out of the sum.
    mutating func letGo(_ byteCount: Int) { self.byteCount -= byteCount }

    /// Keeps objects, whose bytes are counted already, under a new number.
    mutating func keep(_ objects: [StorageKey: MemoryObject], now: ContinuousClock.Instant) -> UInt64 {
        lastNumber += 1
        kept.append(KeptLookup(number: lastNumber, deadline: now + Self.keepingTime, objects: objects))
        return lastNumber
    }

    /// Takes a lookup out; its references are the caller's then, and no longer counted.
    mutating func take(_ number: UInt64) -> [StorageKey: MemoryObject] {
        guard let index = kept.firstIndex(where: { $0.number == number }) else { return [:] }
        let objects = kept.remove(at: index).objects
        for object in objects.values { byteCount -= object.byteCount }
        return objects
    }

    /// Takes out what has been kept too long, or is too much.
    mutating func takeExpired(now: ContinuousClock.Instant) -> [MemoryObject] {
        var expired: [MemoryObject] = []
        while let first = kept.first, first.deadline <= now || kept.count > Self.keptLookupCountMax {
            expired += take(first.number).values
        }
        return expired
    }

    /// Takes everything out that lookups keep.
    mutating func takeAllKept() -> [MemoryObject] {
        var objects: [MemoryObject] = []
        while let first = kept.first { objects += take(first.number).values }
        return objects
    }
}
