internal import CRepriseShims
internal import Glibc
internal import Logging
internal import RepriseCore
internal import RepriseWire

// SAFETY, whole file: the reactor's state is confined to its thread; bytes lie in its scratch memory or in
// the block of a reservation that only the connection knows.

extension Reactor {
    /// The most bytes of a payload asked for in one call. The kernel gives what has arrived; on loopback
    /// smaller pieces cost up to a tenth of the throughput.
    private static let payloadPieceByteCount = 4 << 20

    /// Reacts to what epoll reported for a connection.
    func handle(_ connection: Connection, events: UInt32) {
        noteActivity(of: connection)
        let isBroken = events & EPOLLERR.rawValue != 0
        if isBroken, !mayRead(connection) {
            close(connection)
            return
        }
        // What arrived before the peer broke off can still be read.
        if isBroken || events & (EPOLLIN.rawValue | EPOLLHUP.rawValue) != 0 { receive(connection) }
        pump(connection)
        if connection.session?.peerHoldsMemory ?? false { unsafe state.servesCopying = true }
    }

    private func noteActivity(of connection: Connection) {
        let slot = ActivityMeter.currentSlot
        guard connection.activeSlot != slot else { return }
        connection.activeSlot = slot
        unsafe state.context?.group.activity.count(in: slot)
    }

    /// Whether a connection is read now: also while its requests wait, up to a limit, so that a client that
    /// sends all its requests before it reads a reply comes to its end; but no payload is read that there is
    /// no room for.
    func mayRead(_ connection: Connection) -> Bool {
        guard !connection.hasEnded else { return false }
        if connection.lingerDeadline != nil { return true }
        guard !connection.closesWhenSent else { return false }
        guard connection.isPaused(limits) else { return mayGather(connection) }
        return unsafe connection.parked?.reason != .reservations
            && connection.pending.count < limits.pendingByteCountMax
            && state.pendingByteCount < limits.threadPendingByteCountMax
    }

    /// Whether more of a request that is not complete may be kept, when other connections keep much already.
    private func mayGather(_ connection: Connection) -> Bool {
        let isSmall = connection.pending.count <= limits.smallRequestByteCountMax
        if connection.isReceiving || isSmall { return true }
        return unsafe state.pendingByteCount < limits.threadPendingByteCountMax
    }

    /// Reads what has arrived, up to one turn's share.
    func receive(_ connection: Connection) {
        var budget = limits.readByteCountPerTurn
        while budget > 0, mayRead(connection) {
            let result =
                connection.incoming != nil
                ? receivePayload(connection)
                : connection.discardByteCount > 0 ? receiveDiscarded(connection) : receiveRequests(connection)
            switch result {
            case .moved(let count):
                budget -= count
                counters.add(.received, count)
                connection.transferredByteCount += count
                // A short read has emptied the socket: asking again would only say so. What comes now, epoll
                // reports.
                if count < ReactorState.scratchByteCount, !connection.isReceiving { return }
            case .wouldBlock: return
            case .ended, .failed: connection.hasEnded = true
            }
        }
    }

    private func receivePayload(_ connection: Connection) -> TransferResult {
        guard let received = connection.incoming?.receivedByteCount,
            let byteCount = connection.incoming?.byteCount,
            let object = connection.incoming?.reservation.object
        else { return .wouldBlock }
        let end = min(byteCount, received + Reactor.payloadPieceByteCount)
        // SAFETY: only this connection knows the object before it is committed; the range lies within it.
        let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: object.mutableBytes[received..<end])
        let result = unsafe calls.receive(connection.descriptor, into: piece)
        if case .moved(let count) = result { advanceIncoming(connection, by: count) }
        return result
    }

    /// Counts received payload, and publishes the value with its last byte.
    private func advanceIncoming(_ connection: Connection, by count: Int) {
        guard var incoming = connection.incoming.take() else { return }
        incoming.receivedByteCount += count
        if incoming.receivedByteCount == incoming.byteCount {
            connection.session?.receive(incoming.finish(), on: connection)
        } else {
            connection.incoming = consume incoming
        }
    }

    private func receiveDiscarded(_ connection: Connection) -> TransferResult {
        let wanted = unsafe min(connection.discardByteCount, state.scratch.count)
        let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: state.scratch[0..<wanted])
        let result = unsafe calls.receive(connection.descriptor, into: piece)
        if case .moved(let count) = result { connection.discardByteCount -= count }
        return result
    }

    private func receiveRequests(_ connection: Connection) -> TransferResult {
        let scratch = unsafe state.scratch
        let result = unsafe calls.receive(connection.descriptor, into: scratch)
        guard case .moved(let count) = result else { return result }
        // SAFETY: the scratch memory lives as long as the reactor, and nothing else writes to it during the
        // call.
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: scratch[0..<count])
        guard connection.pending.isEmpty else {
            unsafe connection.pending.append(bytes)
            processPending(connection)
            return result
        }
        let used = unsafe process(bytes, of: connection)
        unsafe connection.pending.append(UnsafeRawBufferPointer(rebasing: bytes[used...]))
        return result
    }

    /// Uses what is pending, unless the connection must wait; returns whether something was used.
    @discardableResult
    func processPending(_ connection: Connection, isLastTry: Bool = false) -> Bool {
        let pending = connection.pending
        let used = unsafe pending.withUnsafeBytes { bytes in
            unsafe process(bytes, of: connection, isLastTry: isLastTry)
        }
        connection.pending.removeFirst(used)
        return used > 0
    }

    /// Lets the connection's session use what has arrived, and returns how much of it was used.
    private func process(
        _ bytes: UnsafeRawBufferPointer,
        of connection: Connection,
        isLastTry: Bool = false
    ) -> Int {
        guard unsafe !bytes.isEmpty, !connection.closesWhenSent, !connection.isPaused(limits),
            let context = unsafe state.context
        else { return 0 }
        let span = unsafe RawSpan(_unsafeBytes: bytes)
        guard let session = connection.session ?? context.makeSession(span.loadByte(at: 0), of: connection)
        else {
            connection.closesWhenSent = true
            return bytes.count
        }
        if connection.session == nil {
            connection.session = session
            watchProcess(of: connection)
        }
        let progress = session.process(span, on: connection, isLastTry: isLastTry)
        connection.countHeldBytes(in: counters)
        switch progress.stop {
        case .later, .receive: break
        case .wait(let reason): park(connection, reason)
        case .close:
            connection.closesWhenSent = true
            return bytes.count
        }
        return progress.usedByteCount
    }

    /// Lets a connection's next request wait.
    private func park(_ connection: Connection, _ reason: Connection.WaitReason) {
        let limit = reason == .loads ? limits.loadTimeMax : limits.roomWaitMax
        let deadline = ContinuousClock.now + limit
        connection.parked = Connection.Parking(reason: reason, deadline: deadline)
        unsafe state.parked.insert(connection.identifier)
    }
}

extension Connection.IncomingValue {
    /// Hands the filled reservation over.
    consuming func finish() -> Reservation { reservation }
}
