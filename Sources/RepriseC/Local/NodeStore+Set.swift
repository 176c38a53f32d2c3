internal import RepriseCore
internal import RepriseWire

// SAFETY, whole file: the codec has checked that rooms lie in the arena, which the connection keeps mapped,
// and the node leaves a reservation's room alone until it is committed or the connection closed.

extension NodeStore {
    /// Values of one set whose room is reserved at a time take at most so many bytes, and one over
    /// `reservedFractionDivisor` of what the session may reserve.
    private static let windowByteCountMax = 64 << 20
    private static let reservedFractionDivisor = 4

    func set(_ keys: KeyTable, _ values: ValueTable) throws(CallError) -> [Int64] {
        // Repeatable: storing a value twice is storing it once.
        try withConnection { connection, deadline throws(CallError) in
            var results = [Int64](repeating: 0, count: keys.count)
            guard connection.welcome.isWritable else {
                for index in (0..<keys.count).reversed() {
                    results[index] = try put(keys, values, index, connection, until: deadline)
                }
                return results
            }
            // From the tail, so that a prefix is evicted from there.
            for range in windows(of: keys, values, connection).reversed() {
                var rest = Array(range)
                while !rest.isEmpty {
                    let progress = try set(keys, values, &rest, &results, connection, until: deadline)
                    guard !progress, !rest.isEmpty else { continue }
                    guard mayAskAgain(until: deadline) else {
                        for index in rest { results[index] = Status.noRoom.result }
                        break
                    }
                    Thread.sleep(milliseconds: LocalTimes.askAgainPauseMilliseconds)
                }
            }
            return results
        }
    }

    private func windows(of keys: KeyTable, _ values: ValueTable, _ connection: Connection) -> [Range<Int>] {
        let share = connection.welcome.reservedByteCountMax / Self.reservedFractionDivisor
        let byteCountMax = min(Self.windowByteCountMax, max(1, share))
        return LocalMessages.ranges(of: keys, extra: 8).flatMap { message in
            Windows.split(count: message.count, byteCountMax: byteCountMax) { position in
                values.byteCount(at: message.lowerBound + position)
            }.map { ($0.lowerBound + message.lowerBound)..<($0.upperBound + message.lowerBound) }
        }
    }

    /// Stores as many of the values as room can be had for now; leaves in `rest` those to be tried again.
    ///
    /// - Returns: Whether one was stored or refused for good.
    private func set(
        _ keys: KeyTable,
        _ values: ValueTable,
        _ rest: inout [Int],
        _ results: inout [Int64],
        _ connection: Connection,
        until deadline: ContinuousClock.Instant
    ) throws(CallError) -> Bool {
        let rooms = try reserve(keys, values, rest, connection, until: deadline)
        var filled: [(index: Int, identifier: UInt64)] = []
        var later: [Int] = []
        for (index, room) in zip(rest, rooms) {
            switch room.status {
            case .ok:
                let byteCount = values.byteCount(at: index)
                let place = unsafe connection.arena.writableAddress(of: room.offset, byteCount: byteCount)
                unsafe values.gather(index, into: place)
                counters.addStored(byteCount)
                filled.append((index, room.identifier))
            case .later, .limitReached: later.append(index)
            case let status: results[index] = LocalMessages.result(of: status).result
            }
        }
        try commit(filled, &results, connection, until: deadline)
        let progress = later.count < rest.count
        rest = later
        return progress
    }

    private func reserve(
        _ keys: KeyTable,
        _ values: ValueTable,
        _ indices: [Int],
        _ connection: Connection,
        until deadline: ContinuousClock.Instant
    ) throws(CallError) -> [LocalRoom] {
        var byteCounts: [UInt8] = []
        for index in indices { LocalNumbers.append(UInt64(values.byteCount(at: index)), to: &byteCounts) }
        let message = LocalMessages.keys(.reserve, keys, indices, connection, prefix: byteCounts)
        let reply = try connection.exchange(message, .reserve, until: deadline)
        var rooms: [LocalRoom] = []
        do throws(WireError) {
            for (position, index) in indices.enumerated() {
                let room = try LocalRoom(
                    at: position,
                    of: reply.body.rawSpan,
                    wanted: UInt64(values.byteCount(at: index)),
                    arenaByteCount: connection.arena.byteCount
                )
                rooms.append(room)
            }
        } catch {
            throw CallError(.protocolError, "the node's answer: \(error.message)")
        }
        return rooms
    }

    private func commit(
        _ filled: [(index: Int, identifier: UInt64)],
        _ results: inout [Int64],
        _ connection: Connection,
        until deadline: ContinuousClock.Instant
    ) throws(CallError) {
        guard !filled.isEmpty else { return }
        let message = LocalNumbers.encoded(
            .commit,
            identifier: connection.makeIdentifier(),
            filled.map { $0.identifier }
        )
        let reply = try connection.exchange(message, .commit, until: deadline)
        for (position, value) in filled.enumerated() {
            let status = try LocalMessages.status(at: position, of: reply)
            results[value.index] = LocalMessages.result(of: status).result
        }
    }

    /// Sends a value through the socket, for a client that may not write to the node's memory.
    private func put(
        _ keys: KeyTable,
        _ values: ValueTable,
        _ index: Int,
        _ connection: Connection,
        until deadline: ContinuousClock.Instant
    ) throws(CallError) -> Int64 {
        let byteCount = values.byteCount(at: index)
        let message = LocalMessages.keys(
            .put,
            keys,
            index..<(index + 1),
            connection,
            argument: UInt64(byteCount)
        )
        try connection.stream.send(message, until: deadline)
        try unsafe values.forEachPiece(of: index) { piece throws(CallError) in
            try unsafe connection.stream.send(UnsafeRawBufferPointer(piece), until: deadline)
        }
        let status = try connection.receive(.put, until: deadline).header.status
        if status == .ok { counters.addStored(byteCount) }
        return LocalMessages.result(of: status).result
    }
}
