internal import RepriseCore

/// The leases that a client holds, under numbers of its own, which are never used twice.
struct LeaseTable {
    private var held: [UInt64: HeldLease] = [:]
    private var lastNumber: UInt64 = 0
    /// Bytes of the leases' values.
    private(set) var byteCount = 0

    /// Leases held.
    var count: Int { held.count }

    /// Adds a lease; returns its number.
    mutating func add(_ lease: HeldLease) -> UInt64 {
        lastNumber += 1
        held[lastNumber] = lease
        byteCount += lease.byteCount
        return lastNumber
    }

    /// Takes a lease out; `nil` when the number is not, or no longer, a lease.
    mutating func remove(_ number: UInt64) -> HeldLease? {
        guard let lease = held.removeValue(forKey: number) else { return nil }
        byteCount -= lease.byteCount
        return lease
    }

    /// Takes all leases out.
    mutating func removeAll() -> [HeldLease] {
        defer { (held, byteCount) = ([:], 0) }
        return Array(held.values)
    }
}
