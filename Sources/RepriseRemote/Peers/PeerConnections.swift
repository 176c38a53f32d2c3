internal import RepriseCore

/// Connections to other nodes, made when they are needed and kept.
final class PeerConnections: Sendable {
    private struct Peer {
        let backend: RemoteBackend
        var lastUse: UInt64
    }

    private struct State {
        var peers: [Address: Peer] = [:]
        var useCount: UInt64 = 0
        var isClosed = false
    }

    /// Where a node listens; its next life is reached by the same connections.
    private struct Address: Hashable {
        let host: String
        let port: UInt16
    }

    private let memory: LocalCPUBackend
    private let limits: PeerLimits
    private let state = Lock(State())

    init(memory: LocalCPUBackend, limits: PeerLimits) {
        (self.memory, self.limits) = (memory, limits)
    }

    /// The connections to a node; `nil` when all are closed.
    func backend(to holder: KeyHolder) -> RemoteBackend? {
        let address = Address(host: holder.host, port: holder.port)
        let (found, surplus) = state.withLock { state -> (RemoteBackend?, RemoteBackend?) in
            guard !state.isClosed else { return (nil, nil) }
            state.useCount += 1
            if let peer = state.peers[address] {
                state.peers[address]?.lastUse = state.useCount
                return (peer.backend, nil)
            }
            let surplus = state.peers.count < limits.peerCountMax ? nil : removeOldest(&state)
            let backend = connect(to: address)
            state.peers[address] = Peer(backend: backend, lastUse: state.useCount)
            return (backend, surplus)
        }
        // It waits for the calls that are under way.
        if let surplus { Thread(name: "reprise-close") { surplus.close() }.detach() }
        return found
    }

    private func removeOldest(_ state: inout State) -> RemoteBackend? {
        guard let oldest = state.peers.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return nil }
        return state.peers.removeValue(forKey: oldest.key)?.backend
    }

    private func connect(to address: Address) -> RemoteBackend {
        let url = NodeURL.tcp(host: address.host, port: address.port)
        let timeouts = RemoteTimeouts(connect: limits.connectTimeMax, transfer: limits.callTimeMax)
        return RemoteBackend(memory: memory, limits: limits.remote) {
            LMConnector(url, timeouts: timeouts, asPeer: true)
        }
    }

    /// Closes all of them; calling it again does nothing.
    func close() {
        let peers = state.withLock { state in
            state.isClosed = true
            defer { state.peers = [:] }
            return state.peers.values.map(\.backend)
        }
        for peer in peers { peer.close() }
    }
}
