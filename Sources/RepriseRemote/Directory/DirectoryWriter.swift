internal import RepriseCore
internal import RepriseWire

/// The thread that notes what a node has, and that it lives.
struct DirectoryWriter {
    let work: DirectoryWork
    let holder: KeyHolder
    let route: any RESPRoute

    /// Runs until the directory is closed.
    func run() {
        while true {
            route.deadline = ContinuousClock.now + work.limits.callTimeMax
            switch work.nextChange() {
            case .heartbeat: beat()
            case .sync(let held, let lost, let dead): sync(held, lost, dead)
            case .end: return end()
            }
        }
    }

    private func beat() {
        route.deadline = ContinuousClock.now + work.limits.callTimeMax
        let commands = [
            DirectoryLayout.isAlive(holder),
            DirectoryLayout.heartbeat(holder, work.limits.heartbeatLifetime),
        ]
        guard let replies = attempt(commands) else { return }
        guard replies[0] == .integer(0) else { return }
        // Others took this node for dead, or the directory has lost everything: it is told all again.
        work.state.withLock { $0.pending.formUnion($0.own) }
    }

    private func sync(_ held: [StorageKey], _ lost: [StorageKey], _ dead: [(StorageKey, KeyHolder)]) {
        route.deadline = ContinuousClock.now + work.limits.callTimeMax
        let lifetime = work.limits.entryLifetime
        let commands =
            held.flatMap { DirectoryLayout.insertion($0, holder, lifetime) }
            + lost.map { DirectoryLayout.removal($0, holder) }
            + dead.map { DirectoryLayout.removal($0, $1) }
        let isDone = attempt(commands) != nil
        work.state.withLock { state in
            state.sendingCount = 0
            if !isDone { state.pending.formUnion(held + lost) }
        }
    }

    /// Ends the heartbeat, with which all entries end, and removes what can be removed in the time.
    private func end() {
        let limit = ContinuousClock.now + work.limits.closeTimeMax
        route.deadline = limit
        defer { route.close() }
        guard attempt([DirectoryLayout.end(holder)]) != nil else { return }
        var keys = work.state.withLock { Array($0.own.union($0.pending)) }[...]
        while !keys.isEmpty, ContinuousClock.now < limit {
            let batch = keys.prefix(work.limits.batchKeyCountMax)
            keys = keys.dropFirst(batch.count)
            guard attempt(batch.map { DirectoryLayout.removal($0, holder) }) != nil else { return }
        }
    }

    /// The replies, none of which is an error, or `nil`.
    private func attempt(_ commands: [KeyedCommand]) -> [RESPValue]? {
        do throws(RemoteError) {
            let replies = try route.call(commands)
            if let error = replies.firstError { throw error }
            work.note(nil)
            return replies
        } catch {
            work.note(error)
            return nil
        }
    }
}

extension [RESPValue] {
    /// The first error reply.
    var firstError: RemoteError? {
        for case .error(let text) in self { return RemoteError(.rejected, text) }
        return nil
    }
}
