internal import Glibc
internal import RepriseCore

extension NodeStore.State {
    mutating func watch(_ connection: Connection) {
        if hasConnected { reconnectCount += 1 }
        (watched, hasConnected) = (connection, true)
    }

    mutating func takeOldest(for purpose: NodeStore.Purpose) -> Connection? {
        switch purpose {
        case .calls: idle.isEmpty ? nil : idle.removeFirst()
        case .views: idleForViews.isEmpty ? nil : idleForViews.removeFirst()
        }
    }

    /// Takes out every connection that nobody uses.
    mutating func takeAll() -> [Connection] {
        defer { (idle, idleForViews, watched) = ([], [], nil) }
        return idle + idleForViews + (watched.map { [$0] } ?? [])
    }
}

// Connecting, and noticing that the node has gone.
extension NodeStore {
    /// Connects, unless the last attempt failed a moment ago.
    func connect(limit: Duration) throws(CallError) -> Connection {
        let (failure, known) = state.withLock { state -> (CallError?, ArenaMapping?) in
            if state.isClosed { return (CallError(.closed, "the client is closed"), nil) }
            guard let next = state.nextAttempt, next > .now else { return (nil, state.arena) }
            return (state.lastFailure, nil)
        }
        if let failure { throw failure }
        do throws(CallError) {
            let deadline = ContinuousClock.now + limit
            let stream = try LocalStream(configuration.path, limit: limit, owner: owner)
            let connection = try Connection(
                stream,
                session: configuration.session,
                known: known,
                until: deadline
            )
            stream.setTimeLimit(configuration.timeout)
            state.withLock { state in
                (state.failureCount, state.nextAttempt, state.lastFailure) = (0, nil, nil)
                state.arena = connection.arena
            }
            return connection
        } catch {
            state.withLock { state in
                state.failureCount += 1
                state.nextAttempt = .now + LocalTimes.pause(afterFailures: state.failureCount)
                state.lastFailure = error
            }
            throw error
        }
    }

    /// What the watching thread does until the client is closed.
    func watch() {
        var populatedByteCount = 0
        while !state.withLock({ $0.isClosed }) {
            guard let connection = state.withLock({ $0.watched }) else {
                populatedByteCount = 0
                reconnect()
                continue
            }
            let next = connection.arena.populate(from: populatedByteCount)
            let hasMore = next > populatedByteCount && next < connection.arena.byteCount
            populatedByteCount = next
            if !isPresent(connection, waitingFor: hasMore ? 0 : LocalTimes.watchMilliseconds) {
                loseConnections()
            } else if !hasMore {
                closeEnded()
            }
        }
    }

    /// Closes idle connections that the node has ended: it keeps their memory until then.
    private func closeEnded() {
        let count = state.withLock { max($0.idle.count, $0.idleForViews.count) }
        for purpose in [Purpose.calls, .views] {
            for _ in 0..<count {
                // One at a time, and the one that calls would take last.
                guard let connection = state.withLock({ $0.takeOldest(for: purpose) }) else { break }
                if connection.stream.isQuiet { giveBack(connection, for: purpose) }
            }
        }
    }

    /// Waits for the end of the watched connection; whether it is still there.
    private func isPresent(_ connection: Connection, waitingFor milliseconds: Int32) -> Bool {
        var event = pollfd(fd: connection.stream.descriptor, events: Int16(POLLIN), revents: 0)
        // SAFETY: one structure, which lives during the call.
        let count = unsafe poll(&event, 1, milliseconds)
        return count <= 0 || connection.stream.isQuiet
    }

    /// Lets go of the connections to a node that has gone, so that its memory is not kept without need.
    private func loseConnections() {
        // Closed here, outside the lock; those with leases live on with them.
        _ = state.withLock { $0.takeAll() }
    }

    private func reconnect() {
        do throws(CallError) {
            let connection = try connect(limit: configuration.connectTimeout)
            state.withLock { $0.watch(connection) }
        } catch {
            pause()
        }
    }

    /// Waits until the next attempt is due, or the client is closed.
    private func pause() {
        let next = state.withLock { $0.nextAttempt } ?? .now + LocalTimes.pauseMin
        _ = state.withLock(waitingFor: changed, atMost: next - .now) { $0.isClosed ? true : nil }
    }
}
