internal import RepriseCore
internal import RepriseWire

// SAFETY, whole file: the codec has checked that places lie in the arena, which a lease's connection keeps
// mapped.

extension NodeStore {
    func acquire(_ keys: KeyTable, countMax: Int) throws(CallError) -> [AcquiredValue] {
        try withConnection(for: .views) { connection, deadline throws(CallError) in
            var leases: [LocalLease] = []
            for range in LocalMessages.ranges(of: keys) {
                let message = LocalMessages.keys(.acquire, keys, range, connection)
                let reply = try connection.exchange(message, .acquire, until: deadline)
                for position in 0..<range.count {
                    leases.append(try NodeStore.lease(at: position, of: reply, connection))
                }
                if leases.contains(where: { $0.status == .limitReached }) { break }
            }
            while leases.count < keys.count { leases.append(LocalLease(.limitReached)) }
            return NodeStore.values(of: leases, connection, countMax: countMax)
        }
    }

    func release(_ leases: [HeldLease]) {
        var connections: [ObjectIdentifier: Connection] = [:]
        for lease in leases {
            guard case .connection(let connection, let identifier) = lease.holder else { continue }
            connections[ObjectIdentifier(connection)] = connection
            connection.releases.withLock { pending in
                pending.leaseCount -= 1
                pending.identifiers.append(identifier)
            }
        }
        for connection in connections.values { flushReleases(of: connection) }
    }

    private static func values(
        of leases: [LocalLease],
        _ connection: Connection,
        countMax: Int
    ) -> [AcquiredValue] {
        var heldCount = 0
        return leases.map { lease in
            guard lease.status == .ok else { return AcquiredValue(LocalMessages.result(of: lease.status)) }
            guard heldCount < countMax else {
                // Sent when the connection is given back.
                connection.releases.withLock { $0.identifiers.append(lease.identifier) }
                return AcquiredValue(.noRoom)
            }
            heldCount += 1
            connection.releases.withLock { $0.leaseCount += 1 }
            let byteCount = Int(lease.valueByteCount)
            let held = HeldLease(
                holder: .connection(connection, identifier: lease.identifier),
                byteCount: byteCount
            )
            let address = unsafe connection.arena.address(of: lease.offset, byteCount: byteCount)
            var value = unsafe AcquiredValue(at: address, held)
            (value.format, value.dtype, value.shape) = (lease.format, lease.dtype, lease.shape)
            return value
        }
    }
}
