internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

/// Reservations, puts and removals.
extension LocalSession {
    func reserve(
        _ message: borrowing Message,
        in share: LocalShare,
        on connection: Connection
    ) throws(WireError) -> Step {
        let count = message.header.count
        guard message.body.byteCount >= 8 * count else {
            throw WireError(.badLength, "\(count) reservations in \(message.body.byteCount) bytes")
        }
        let keys = try LocalKeys(body: message.body.extracting(droppingFirst: 8 * count), count: count)
        let byteCounts = try LocalNumbers.numbers(of: message.body.extracting(first: 8 * count), count: count)
        guard !byteCounts.contains(0) else { throw WireError(.badLength, "a value has 1 byte or more") }
        guard isWritable else {
            answerAll(message.header, LocalRoom(.notPermitted), on: connection)
            return .done
        }
        var rooms: [LocalRoom] = []
        var mustWait = false
        let now = ContinuousClock.now
        keys.forEach { index, key in
            let room = makeRoom(byteCounts[index], StorageKey(copying: key), in: share, now)
            guard room.status != .ok, room.status != .tooLarge else {
                rooms.append(room)
                return true
            }
            // What came before it in the message takes room, too: its values are to be committed first.
            guard rooms.allSatisfy({ $0.status != .ok }) else { return false }
            mustWait = room.status == .later && !message.isLastTry
            if !mustWait { rooms.append(room.status == .later ? LocalRoom(.noRoom) : room) }
            return !mustWait && room.status == .noRoom
        }
        if mustWait { return .wait(.reservations) }
        beginAnswer(to: message.header, bodyByteCount: LocalRoom.byteCount * count, count: count)
        for room in rooms { room.append(to: &answer) }
        // What could not be had now and what comes behind it is for another message.
        for _ in rooms.count..<count { LocalRoom(.later).append(to: &answer) }
        send(on: connection)
        return .done
    }

    private func answerAll(_ header: LocalHeader, _ room: LocalRoom, on connection: Connection) {
        beginAnswer(to: header, bodyByteCount: LocalRoom.byteCount * header.count, count: header.count)
        for _ in 0..<header.count { room.append(to: &answer) }
        send(on: connection)
    }

    /// Takes room for one value, or says why not; `later` when it may be had when others have ended.
    private func makeRoom(
        _ byteCount: UInt64,
        _ key: StorageKey,
        in share: LocalShare,
        _ now: ContinuousClock.Instant
    ) -> LocalRoom {
        guard let byteCount = Int(exactly: byteCount), byteCount <= context.settings.valueByteCountMax,
            let unitCount = AllocationUnit.count(forByteCount: byteCount)
        else { return LocalRoom(.tooLarge) }
        let physicalByteCount = Int(unitCount) * AllocationUnit.byteCount
        guard holdings.rooms.count < host.limits.reservationCountMax, share.takeReserved(physicalByteCount)
        else { return LocalRoom(.limitReached) }
        switch backend.reserve(
            for: key,
            byteCount: byteCount,
            metadata: .plain(byteCount: byteCount),
            whenRoomReturns: context.whenRoomReturns
        ) {
        case .reserved(let reservation):
            guard let offset = reservation.object.address else { break }
            context.counters.add(.localReservations)
            context.counters.add(.localReservedBytes, physicalByteCount)
            let room = LocalHoldings.Room(reservation, key: key, since: now)
            return LocalRoom(offset: offset, identifier: holdings.add(room))
        case .deferred:
            share.giveReserved(physicalByteCount)
            return LocalRoom(.later)
        case .noRoom:
            share.giveReserved(physicalByteCount)
            return LocalRoom(.noRoom)
        case .tooLarge:
            share.giveReserved(physicalByteCount)
            return LocalRoom(.tooLarge)
        }
        share.giveReserved(physicalByteCount)
        return LocalRoom(.noRoom)
    }

    func commit(
        _ message: borrowing Message,
        in share: LocalShare,
        on connection: Connection
    ) throws(WireError) {
        let numbers = try LocalNumbers.numbers(of: message.body, count: message.header.count)
        var statuses: [LocalStatus] = []
        // From tail to head, so that the head of a prefix ends up the most recent.
        for number in numbers.reversed() { statuses.append(commit(number, in: share, on: connection)) }
        beginAnswer(to: message.header, bodyByteCount: 4 * numbers.count, count: numbers.count)
        for status in statuses.reversed() { LocalNumbers.append(status, to: &answer) }
        send(on: connection)
    }

    private func commit(_ number: UInt64, in share: LocalShare, on connection: Connection) -> LocalStatus {
        guard let room = holdings.removeRoom(number) else {
            context.counters.add(.localUnknownNumbers)
            return .unknownIdentifier
        }
        let key = room.key
        countRoomEnded(room, in: share)
        guard let reservation = room.take() else {
            room.object.release()
            return .unknownIdentifier
        }
        let (isStored, change) = reservation.commitRecording(key)
        context.counters.add(isStored ? .puts : .droppedNotCommitted)
        context.hold(connection, until: change)
        return isStored ? .ok : .notStored
    }

    func abandon(
        _ message: borrowing Message,
        in share: LocalShare,
        on connection: Connection
    ) throws(WireError) {
        let numbers = try LocalNumbers.numbers(of: message.body, count: message.header.count)
        let wantsReply = message.header.flags.contains(.wantsReply)
        if wantsReply {
            beginAnswer(to: message.header, bodyByteCount: 4 * numbers.count, count: numbers.count)
        }
        for number in numbers {
            let room = holdings.removeRoom(number)
            if let room { giveBack(room, to: share) } else { context.counters.add(.localUnknownNumbers) }
            if wantsReply { LocalNumbers.append(room == nil ? .unknownIdentifier : .ok, to: &answer) }
        }
        if wantsReply { send(on: connection) }
    }

    /// Gives room back that is not committed.
    func giveBack(_ room: LocalHoldings.Room, to share: LocalShare) {
        countRoomEnded(room, in: share)
        context.counters.add(.abortedPuts)
        if let reservation = room.take() { _ = consume reservation } else { room.object.release() }
    }

    private func countRoomEnded(_ room: LocalHoldings.Room, in share: LocalShare) {
        let byteCount = room.object.physicalByteCount
        share.giveReserved(byteCount)
        context.counters.subtract(.localReservations)
        context.counters.subtract(.localReservedBytes, byteCount)
    }

    /// Lets entries go whose leases are too old, and reservations that are.
    func outdate(_ now: ContinuousClock.Instant) {
        guard !holdings.isEmpty else { return }
        for lease in holdings.outdateLeases(since: now - host.limits.leaseAgeMax) {
            context.counters.add(.localLeasesOutdated)
            backend.evict(lease.key, holding: lease.object)
        }
        for room in holdings.agedRooms(since: now - host.limits.reservationAgeMax) {
            context.counters.add(.localReservationsOutdated)
            room.outdate()
        }
    }

    func remove(_ message: borrowing Message, on connection: Connection) throws(WireError) {
        let keys = try LocalKeys(body: message.body, count: message.header.count)
        keys.forEach { _, key in
            context.batch.append(.remove, key: key)
            return true
        }
        backend.perform(&context.batch)
        context.hold(connection, until: context.batch.takeChange())
        beginAnswer(to: message.header, bodyByteCount: 4 * keys.count, count: keys.count)
        for index in 0..<keys.count {
            LocalNumbers.append(context.batch.result(at: index) == 1 ? .ok : .missing, to: &answer)
        }
        context.counters.add(.otherRequests)
        context.batch.removeAll()
        send(on: connection)
    }

    func put(_ message: borrowing Message, on connection: Connection) throws(WireError) -> Step {
        let keys = try LocalKeys(body: message.body, count: message.header.count)
        guard keys.count == 1, let byteCount = Int(exactly: message.header.argument), byteCount > 0 else {
            throw WireError(.badLength, "a put has one key, and a value of 1 byte or more")
        }
        var key = StorageKey([])
        keys.forEach { _, bytes in
            key = StorageKey(copying: bytes)
            return true
        }
        guard byteCount <= context.settings.valueByteCountMax else {
            return discard(message, .tooLarge, .droppedTooLarge, byteCount: byteCount, on: connection)
        }
        switch backend.reserve(
            for: key,
            byteCount: byteCount,
            metadata: .plain(byteCount: byteCount),
            whenRoomReturns: context.whenRoomReturns
        ) {
        case .reserved(let reservation):
            incoming = (key, message.header)
            let used = connection.begin(reservation, byteCount: byteCount, following: message.following)
            return .value(usedByteCount: used)
        case .deferred where !message.isLastTry:
            return .wait(.reservations)
        case .deferred:
            return discard(message, .noRoom, .droppedWaitedTooLong, byteCount: byteCount, on: connection)
        case .noRoom:
            return discard(message, .noRoom, .droppedNoRoom, byteCount: byteCount, on: connection)
        case .tooLarge:
            return discard(message, .tooLarge, .droppedTooLarge, byteCount: byteCount, on: connection)
        }
    }

    private func discard(
        _ message: borrowing Message,
        _ status: LocalStatus,
        _ reason: ServerCounter,
        byteCount: Int,
        on connection: Connection
    ) -> Step {
        context.counters.add(reason)
        beginAnswer(to: message.header, status: status)
        send(on: connection)
        return .value(
            usedByteCount: connection.beginDiscarding(byteCount: byteCount, following: message.following)
        )
    }

    /// Publishes a put's value whose last byte has arrived.
    func receive(_ reservation: consuming Reservation, on connection: Connection) {
        guard let (key, header) = incoming.take() else { preconditionFailure("a value without a put") }
        let (isStored, change) = reservation.commitRecording(key)
        context.counters.add(isStored ? .puts : .droppedNotCommitted)
        context.hold(connection, until: change)
        beginAnswer(to: header, status: isStored ? .ok : .notStored)
        send(on: connection)
    }
}
