internal import RepriseCore
internal import RepriseWire

// SAFETY, whole file: the codec has checked that places lie in the arena, which the connection keeps mapped,
// and the node leaves a leased value's bytes alone until the lease is given back or the connection closed.

extension NodeStore {
    /// Values of one get that are leased at a time take at most so many bytes, and one over
    /// `leasedFractionDivisor` of what the session may hold.
    private static let windowByteCountMax = 256 << 20
    private static let leasedFractionDivisor = 4

    func get(_ keys: KeyTable, _ values: ValueTable, lookup: UInt64) throws(CallError) -> [Int64] {
        try withConnection { connection, deadline throws(CallError) in
            var results = [Int64](repeating: Status.missing.result, count: keys.count)
            var lookup = lookup
            // A lookup is redeemed whole by the first message that names it: the one with the first keys.
            let ranges = windows(of: keys, values, connection, whole: lookup != 0)
            for range in lookup != 0 ? ranges : ranges.reversed() {
                try get(keys, values, range, lookup: lookup, &results, connection, until: deadline)
                lookup = 0
            }
            return results
        }
    }

    private func windows(
        of keys: KeyTable,
        _ values: ValueTable,
        _ connection: Connection,
        whole: Bool
    ) -> [Range<Int>] {
        let messages = LocalMessages.ranges(of: keys)
        let share = connection.welcome.leasedByteCountMax / Self.leasedFractionDivisor
        let byteCountMax = min(Self.windowByteCountMax, max(1, share))
        return messages.flatMap { message -> [Range<Int>] in
            if whole, message.lowerBound == 0 { return [message] }
            return Windows.split(count: message.count, byteCountMax: byteCountMax) { position in
                values.byteCount(at: message.lowerBound + position)
            }.map { ($0.lowerBound + message.lowerBound)..<($0.upperBound + message.lowerBound) }
        }
    }

    /// Copies the values of keys that fit into one message; asks again for those that the session's limit
    /// leaves out.
    private func get(
        _ keys: KeyTable,
        _ values: ValueTable,
        _ range: Range<Int>,
        lookup: UInt64,
        _ results: inout [Int64],
        _ connection: Connection,
        until deadline: ContinuousClock.Instant
    ) throws(CallError) {
        var rest = range
        var lookup = lookup
        while !rest.isEmpty {
            let message = LocalMessages.keys(.acquire, keys, rest, connection, argument: lookup)
            lookup = 0
            let reply = try connection.exchange(message, .acquire, until: deadline)
            var leases: [UInt64] = []
            var isLimited = false
            for (position, index) in rest.enumerated() {
                let lease = try NodeStore.lease(at: position, of: reply, connection)
                if lease.status == .limitReached {
                    (rest, isLimited) = (index..<range.upperBound, true)
                    break
                }
                if lease.status == .ok { leases.append(lease.identifier) }
                results[index] = copy(lease, to: values, index, connection)
            }
            try NodeStore.release(leases, connection, until: deadline)
            guard isLimited else { return }
            guard !leases.isEmpty || mayAskAgain(until: deadline) else {
                for index in rest { results[index] = Status.noRoom.result }
                return
            }
            if leases.isEmpty { Thread.sleep(milliseconds: LocalTimes.askAgainPauseMilliseconds) }
        }
    }

    private func copy(
        _ lease: LocalLease,
        to values: ValueTable,
        _ index: Int,
        _ connection: Connection
    ) -> Int64 {
        guard lease.status == .ok else { return LocalMessages.result(of: lease.status).result }
        guard lease.valueByteCount == UInt64(values.byteCount(at: index)) else { return Status.length.result }
        let byteCount = Int(lease.valueByteCount)
        unsafe values.scatter(index, from: connection.arena.address(of: lease.offset, byteCount: byteCount))
        counters.addLoaded(byteCount)
        return Int64(byteCount)
    }

    /// An element of an acquire's answer.
    static func lease(
        at position: Int,
        of reply: LocalReply,
        _ connection: Connection
    ) throws(CallError) -> LocalLease {
        do throws(WireError) {
            return try LocalLease(
                at: position,
                of: reply.body.rawSpan,
                arenaByteCount: connection.arena.byteCount
            )
        } catch {
            throw CallError(.protocolError, "the node's answer: \(error.message)")
        }
    }

    /// Gives leases back, without an answer.
    static func release(
        _ leases: [UInt64],
        _ connection: Connection,
        until deadline: ContinuousClock.Instant
    ) throws(CallError) {
        guard !leases.isEmpty else { return }
        let message = LocalNumbers.encoded(.release, identifier: connection.makeIdentifier(), leases)
        try connection.stream.send(message, until: deadline)
    }
}
