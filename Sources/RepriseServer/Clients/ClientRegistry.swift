internal import RepriseCore

/// All clients of a server.
final class ClientRegistry: Sendable {
    private struct State {
        var clients: [UInt64: ClientRecord] = [:]
        var lastNumber: UInt64 = 0
    }

    private let state = Lock(State())

    /// Enters a connection; the record knows its number.
    func add(descriptor: Int32, reactorIndex: Int, unixPath: String?) -> ClientRecord {
        let peer = AddressText.peer(of: descriptor, unixPath: unixPath)
        let local = AddressText.local(of: descriptor, unixPath: unixPath)
        return state.withLock { state in
            state.lastNumber += 1
            let client = ClientRecord(
                number: state.lastNumber,
                descriptor: descriptor,
                reactorIndex: reactorIndex,
                peer: peer,
                local: local
            )
            state.clients[client.number] = client
            return client
        }
    }

    /// Forgets a client whose connection is closed.
    func remove(_ client: ClientRecord) {
        _ = state.withLock { $0.clients.removeValue(forKey: client.number) }
    }

    /// All clients, oldest first.
    var all: [ClientRecord] {
        state.withLock { Array($0.clients.values) }.sorted { $0.number < $1.number }
    }
}
