internal import CRepriseShims
internal import Glibc
internal import RepriseCore
internal import RepriseWire

// SAFETY, whole file: the reactor's state is confined to its thread; bytes lie in its scratch memory or in
// the block of a reservation that only the connection knows.

extension Reactor {
    /// Sends what waits, uses what that made room for, and closes a connection that is done.
    func pump(_ connection: Connection) {
        while true {
            guard send(connection) else { return }
            guard !connection.pending.isEmpty, !connection.isPaused(limits), !connection.isReceiving,
                !connection.closesWhenSent, processPending(connection)
            else { break }
        }
        if isDone(connection) { end(connection) } else { updateInterest(connection) }
    }

    /// Closes a connection; one whose peer may still send, and read replies, is first only ended.
    private func end(_ connection: Connection) {
        guard connection.closesWhenSent || connection.hasSentWhileDraining, !connection.hasEnded,
            connection.lingerDeadline == nil
        else {
            close(connection)
            return
        }
        // Data that arrives at a closed socket, or lies unread in it, resets the connection: tcp(7), RFC
        // 1122.
        shutdown(connection.descriptor, Int32(SHUT_WR))
        connection.lingerDeadline = ContinuousClock.now + limits.lingerTimeMax
        connection.pending = PendingBytes()
        connection.discardByteCount = .max
        updateInterest(connection)
    }

    /// Sends what waits; `false` when the connection is gone.
    private func send(_ connection: Connection) -> Bool {
        guard connection.hasSendableReplies else { return true }
        if connection.replies.needsCopyAlignment { unsafe state.copyAlignment.shift() }
        let (result, sent) = unsafe connection.replies.send(
            atMostAbout: limits.sendByteCountPerTurn,
            upTo: connection.barriers.position,
            to: connection.descriptor,
            with: calls,
            vectors: state.vectors
        )
        connection.countHeldBytes(in: counters)
        counters.add(.sent, sent)
        connection.transferredByteCount += sent
        if unsafe state.isDraining, sent > 0 { connection.hasSentWhileDraining = true }
        if case .failed = result {
            close(connection, reason: .closedTransferError)
            return false
        }
        return true
    }

    /// Whether nothing is left to do for a connection that is to end.
    private func isDone(_ connection: Connection) -> Bool {
        guard connection.lingerDeadline == nil else { return connection.hasEnded }
        if connection.hasEnded, connection.session?.endsWithPeer ?? false { return true }
        guard connection.replies.isEmpty, connection.barriers.isEmpty else { return false }
        if connection.closesWhenSent { return true }
        guard connection.parked == nil else { return false }
        if connection.hasEnded { return true }
        return unsafe state.isDraining && !connection.isAmidRequest
    }

    /// Tries requests again that waited.
    ///
    /// - Parameter roomReturned: Whether a reservation has ended: only then, or for the last time, is a PUT
    ///   tried again, since each try asks to be told when room returns.
    func retryParked(roomReturned: Bool) {
        let now = ContinuousClock.now
        for identifier in unsafe state.parked {
            guard let connection = unsafe state.connections[identifier], var parked = connection.parked else {
                unsafe state.parked.remove(identifier)
                continue
            }
            if parked.reason == .heldReplies, !connection.replies.isEmpty {
                // It waits for its own peer, too, whose rate has a limit of its own.
                parked.deadline = now + limits.roomWaitMax
            }
            let isLastTry = now >= parked.deadline
            if parked.reason == .loads {
                if isLastTry { connection.loadWait?.giveUp() }
                if isLastTry || connection.loadWait?.isComplete ?? true { retryLoaded(connection) }
                continue
            }
            if roomReturned || isLastTry || parked.reason == .heldReplies {
                retry(parked, of: connection, isLastTry: isLastTry)
            }
        }
    }

    /// Tries a request again whose values were loaded.
    func retryLoaded(_ connection: Connection) {
        guard let parked = connection.parked, parked.reason == .loads,
            let wait = connection.loadWait, wait.isComplete
        else { return }
        connection.parked = nil
        connection.countLoadBytes(in: counters, isTrying: true)
        _ = processPending(connection)
        // Unless it waits for more.
        if connection.loadWait === wait {
            connection.loadWait = nil
            wait.finish()
        }
        connection.countLoadBytes(in: counters)
        if connection.parked == nil { unsafe state.parked.remove(connection.identifier) }
        pump(connection)
    }

    /// Sends what has waited for a change to be recorded.
    func recorded(_ connection: Connection, barrier: UInt64) {
        if connection.barriers.lift(barrier) { pump(connection) }
    }

    private func retry(_ parked: Connection.Parking, of connection: Connection, isLastTry: Bool) {
        connection.parked = nil
        let hasMoved = processPending(connection, isLastTry: isLastTry)
        if connection.parked == nil {
            unsafe state.parked.remove(connection.identifier)
        } else if !hasMoved {
            // The same request waits on.
            connection.parked?.deadline = parked.deadline
        }
        pump(connection)
    }
}
