internal import RepriseCore

/// The leases and reservations of one connection, by their numbers.
///
/// Numbers begin at random, so that another connection's is no number here: it is refused, and not taken for
/// one's own. Confined to the connection's thread.
struct LocalHoldings {
    /// A value that the client may read.
    struct Lease {
        let object: MemoryObject
        let key: StorageKey
        let since: ContinuousClock.Instant
        /// Its entry is no longer kept stored.
        var isOutdated = false
    }

    /// Room that the client may write to.
    final class Room {
        let key: StorageKey
        let object: MemoryObject
        let since: ContinuousClock.Instant
        private(set) var reservation: Reservation?

        init(_ reservation: consuming Reservation, key: StorageKey, since: ContinuousClock.Instant) {
            object = reservation.object
            self.key = key
            self.since = since
            self.reservation = consume reservation
        }

        /// Takes the reservation, to commit it; the object of one that is outdated is let go.
        func take() -> Reservation? { reservation.take() }

        /// Whether the reservation can no longer be committed.
        var isOutdated: Bool { reservation == nil }

        /// Gives the reservation up and keeps the memory.
        func outdate() {
            guard let reservation = reservation.take() else { return }
            object.retain()
            _ = consume reservation
        }
    }

    private(set) var leases: [UInt64: Lease] = [:]
    private(set) var rooms: [UInt64: Room] = [:]
    private var lastNumber = UInt64.random(in: 1...(1 << 62))

    /// Whether the client may be using memory.
    var isEmpty: Bool { leases.isEmpty && rooms.isEmpty }

    /// Adds a lease, and returns its number.
    mutating func add(_ lease: Lease) -> UInt64 {
        lastNumber += 1
        leases[lastNumber] = lease
        return lastNumber
    }

    /// Adds a reservation, and returns its number.
    mutating func add(_ room: Room) -> UInt64 {
        lastNumber += 1
        rooms[lastNumber] = room
        return lastNumber
    }

    /// Takes a lease out.
    mutating func removeLease(_ number: UInt64) -> Lease? { leases.removeValue(forKey: number) }

    /// Takes a reservation out.
    mutating func removeRoom(_ number: UInt64) -> Room? { rooms.removeValue(forKey: number) }

    /// Leases that have come of age, from now on outdated.
    mutating func outdateLeases(since limit: ContinuousClock.Instant) -> [Lease] {
        let numbers = leases.filter { !$0.value.isOutdated && $0.value.since <= limit }.map(\.key)
        return numbers.compactMap { number in
            leases[number]?.isOutdated = true
            return leases[number]
        }
    }

    /// Reservations that have come of age.
    func agedRooms(since limit: ContinuousClock.Instant) -> [Room] {
        rooms.values.filter { !$0.isOutdated && $0.since <= limit }
    }
}
