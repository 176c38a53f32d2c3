internal import Glibc
internal import RepriseCore
internal import RepriseNode
internal import RepriseWire

/// What the local protocol's connections of a server share: the arena's descriptors, and the sessions.
final class LocalHost: Sendable {
    /// What tells one session from another.
    struct Name: Hashable, Sendable {
        let user: UInt32
        let session: [UInt8]
    }

    private struct Member: Sendable {
        let share: LocalShare
        var connectionCount: Int
    }

    private struct State {
        var readOnlyDescriptor: Int32?
        var sessions: [Name: Member] = [:]
    }

    private let state = Lock(State())
    private let capacityByteCount: Int
    private let budget: LocalBudget
    let arena: ArenaFile?
    let limits: LocalSessionLimits

    init(_ backend: any LMSBackend, limits: LocalSessionLimits) {
        arena = backend.arenaFile
        capacityByteCount = backend.capacityByteCount
        budget = LocalBudget(byteCountMax: capacityByteCount / max(1, limits.leasedTogetherFractionDivisor))
        self.limits = limits
    }

    deinit {
        if let descriptor = state.withLock({ $0.readOnlyDescriptor }) { close(descriptor) }
    }

    /// Bytes that a session's leases and kept lookups may hold.
    var leasedByteCountMax: Int { capacityByteCount / max(1, limits.leasedFractionDivisor) }
    /// Bytes that a session's reservations may take.
    var reservedByteCountMax: Int { capacityByteCount / max(1, limits.reservedFractionDivisor) }

    /// The descriptor of the arena for a client; `nil` when there is none to give.
    func descriptor(writable: Bool) -> Int32? {
        guard let arena else { return nil }
        if writable { return arena.descriptor }
        return state.withLock { state in
            if state.readOnlyDescriptor == nil {
                state.readOnlyDescriptor = LocalPeer.reopenForReading(arena.descriptor)
            }
            return state.readOnlyDescriptor
        }
    }

    /// Adds a connection to its session.
    func join(_ name: Name, counters: ReactorCounters) -> LocalShare {
        guard name.session.contains(where: { $0 != 0 }) else { return makeShare(counters) }
        return state.withLock { state in
            let share = state.sessions[name]?.share ?? makeShare(counters)
            state.sessions[name, default: Member(share: share, connectionCount: 0)].connectionCount += 1
            return share
        }
    }

    /// Takes a connection out of its session, which ends with its last one.
    func leave(_ name: Name, _ share: LocalShare) {
        let isLast = state.withLock { state in
            guard var member = state.sessions[name] else { return true }
            member.connectionCount -= 1
            state.sessions[name] = member.connectionCount > 0 ? member : nil
            return member.connectionCount == 0
        }
        if isLast { share.end() }
    }

    private func makeShare(_ counters: ReactorCounters) -> LocalShare {
        LocalShare(
            leasedByteCountMax: leasedByteCountMax,
            reservedByteCountMax: reservedByteCountMax,
            budget: budget,
            limits: limits,
            counters: counters
        )
    }
}
