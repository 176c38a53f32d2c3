internal import RepriseCore
internal import RepriseWire

// Questions and removals: messages of keys that are answered with a status for each.
extension NodeStore {
    func exists(_ keys: KeyTable) throws(CallError) -> [Int64] {
        // Repeatable: a question changes nothing but what was used last.
        try statuses(.exists, of: keys)
    }

    func remove(_ keys: KeyTable) throws(CallError) -> [Int64] {
        // Not repeatable: whether a key was stored is known to the first attempt alone.
        try statuses(.remove, of: keys)
    }

    func lookUp(_ keys: KeyTable, keeping: Bool) throws(CallError) -> (prefix: Int, lookup: UInt64) {
        try withConnection { connection, deadline throws(CallError) in
            var prefix = 0
            var lookup: UInt64 = 0
            for range in LocalMessages.ranges(of: keys) {
                let message = LocalMessages.keys(
                    .lookup,
                    keys,
                    range,
                    connection,
                    // A number names one message's keys: those of the first one are kept.
                    flags: keeping && range.lowerBound == 0 ? .keeps : []
                )
                let reply = try connection.exchange(message, .lookup, until: deadline)
                guard reply.header.count <= range.count else {
                    throw CallError(
                        .protocolError,
                        "the node has found \(reply.header.count) of \(range.count) keys"
                    )
                }
                if range.lowerBound == 0 { lookup = keeping ? reply.header.argument : 0 }
                prefix += reply.header.count
                if reply.header.count < range.count { break }
            }
            return (prefix, lookup)
        }
    }

    func forget(_ lookup: UInt64) throws(CallError) {
        try withConnection { connection, deadline throws(CallError) in
            let header = LocalHeader(.forget, identifier: connection.makeIdentifier(), argument: lookup)
            var message: [UInt8] = []
            header.append(to: &message)
            try connection.stream.send(message, until: deadline)
        }
    }

    func facts() throws(CallError) -> StoreFacts {
        let (watched, reconnectCount) = connected
        var facts = StoreFacts()
        facts.reconnectCount = reconnectCount
        guard watched != nil else { return facts }
        do throws(CallError) {
            let (stats, isWritable) = try withConnection { connection, deadline throws(CallError) in
                (try NodeStore.stats(connection, until: deadline), connection.welcome.isWritable)
            }
            facts.isConnected = true
            facts.isWritable = isWritable
            facts.capacityByteCount = stats.capacityByteCount
            facts.usedByteCount = stats.usedByteCount
            facts.entryCount = stats.entryCount
        } catch {
            guard error.status == .notConnected else { throw error }
        }
        return facts
    }

    private static func stats(
        _ connection: Connection,
        until deadline: ContinuousClock.Instant
    ) throws(CallError) -> LocalStats {
        var message: [UInt8] = []
        LocalHeader(.stats, identifier: connection.makeIdentifier()).append(to: &message)
        let reply = try connection.exchange(message, .stats, until: deadline)
        do throws(WireError) {
            return try LocalStats(body: reply.body.rawSpan)
        } catch {
            throw CallError(.protocolError, "the node's statistics: \(error.message)")
        }
    }

    private func statuses(_ operation: LocalOperation, of keys: KeyTable) throws(CallError) -> [Int64] {
        try withConnection(isRepeatable: operation == .exists) { connection, deadline throws(CallError) in
            var results = [Int64](repeating: 0, count: keys.count)
            // From the tail, so that the head of a prefix is the most recent.
            for range in LocalMessages.ranges(of: keys).reversed() {
                let message = LocalMessages.keys(operation, keys, range, connection)
                let reply = try connection.exchange(message, operation, until: deadline)
                for (position, index) in range.enumerated() {
                    switch try LocalMessages.status(at: position, of: reply) {
                    case .ok: results[index] = 1
                    case .missing: results[index] = 0
                    case let status: results[index] = LocalMessages.result(of: status).result
                    }
                }
            }
            return results
        }
    }
}
