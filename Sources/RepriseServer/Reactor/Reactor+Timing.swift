internal import Glibc
internal import RepriseCore
internal import RepriseNode

// SAFETY, whole file: the reactor's state is confined to its thread; bytes lie in its scratch memory or in
// the block of a reservation that only the connection knows.

extension Reactor {
    private static let rateCheckInterval: Duration = .seconds(1)
    private static let parkedRetryMilliseconds: Int32 = 20
    private static let rateCheckMilliseconds: Int32 = 1000

    /// How long to wait for events.
    var timeoutMilliseconds: Int32 {
        if unsafe !state.parked.isEmpty || state.isDraining { return Reactor.parkedRetryMilliseconds }
        return unsafe state.connections.isEmpty ? -1 : Reactor.rateCheckMilliseconds
    }

    /// Does what is due: parked requests, slow transfers, the end of draining.
    func handleTime() {
        if unsafe !state.parked.isEmpty { retryParked(roomReturned: false) }
        let now = ContinuousClock.now
        if unsafe now >= state.nextRateCheck {
            unsafe state.nextRateCheck = now + Reactor.rateCheckInterval
            closeLingering(now: now)
            closeUnrecorded(now: now)
            cutSlowTransfers(now: now)
            for connection in unsafe state.connections.values { connection.session?.handleTime(now) }
        }
        guard unsafe state.isDraining else { return }
        if unsafe state.connections.isEmpty || now >= state.drainDeadline ?? now {
            unsafe state.isFinished = true
        }
    }

    /// Stops accepting, reads what has arrived, and closes what has nothing under way.
    func beginDraining() {
        guard unsafe !state.isDraining else { return }
        stopListening()
        unsafe state.isDraining = true
        unsafe state.drainDeadline = ContinuousClock.now + limits.drainTimeMax
        for connection in unsafe Array(state.connections.values) {
            receive(connection)
            pump(connection)
        }
    }

    /// Closes what has waited long enough for its peer to end.
    private func closeLingering(now: ContinuousClock.Instant) {
        for connection in unsafe Array(state.connections.values) {
            if let deadline = connection.lingerDeadline, now >= deadline { close(connection) }
        }
    }

    /// Closes what has waited too long for a disk to record a change: it is not acknowledged.
    private func closeUnrecorded(now: ContinuousClock.Instant) {
        for connection in unsafe Array(state.connections.values) {
            guard let deadline = connection.barriers.deadline, now >= deadline else { continue }
            close(connection, reason: .closedNotRecorded)
        }
    }

    /// Closes transfers whose average rate over the window was below the minimum, the slowest first.
    private func cutSlowTransfers(now: ContinuousClock.Instant) {
        guard let context = unsafe state.context, context.settings.minimumTransferRate > 0 else { return }
        let isContended = context.backend.isReservationAwaited
        let minimumRate = Double(context.settings.minimumTransferRate)
        var slow: [Connection] = []
        for connection in unsafe state.connections.values {
            if !connection.waitsForPeer || connection.lingerDeadline != nil {
                connection.transferWindowStart = nil
            } else if let start = connection.transferWindowStart {
                let elapsed = now - start
                let isSlow =
                    Double(connection.transferredByteCount)
                    < elapsed / .seconds(1) * minimumRate
                let isInTheWay = isContended && connection.incoming != nil
                if isSlow, elapsed >= (isInTheWay ? limits.contendedRateWindow : limits.transferRateWindow) {
                    slow.append(connection)
                }
                if elapsed >= limits.transferRateWindow { connection.beginTransferWindow(now) }
            } else {
                connection.beginTransferWindow(now)
            }
        }
        slow.sort { $0.transferredByteCount < $1.transferredByteCount }
        for connection in slow { close(connection, reason: .closedTooSlow) }
    }
}

extension Connection {
    fileprivate func beginTransferWindow(_ now: ContinuousClock.Instant) {
        transferWindowStart = now
        transferredByteCount = 0
    }
}
