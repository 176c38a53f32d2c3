internal import RepriseCore
internal import Synchronization

/// What is known of one client, for CLIENT LIST and the log; readable by every thread.
final class ClientRecord: Sendable {
    /// What the client said of itself.
    struct Description: Sendable {
        var name = ""
        var libraryName = ""
        var libraryVersion = ""
        var version = 2
    }

    /// The connection's number in its reactor: ``number`` above the descriptors'.
    let identifier: UInt64
    /// The client's number, from 1 on, never used twice.
    let number: UInt64
    let descriptor: Int32
    let reactorIndex: Int
    let peer: PeerAddress
    let local: PeerAddress
    let connectedAt = Nanoseconds.now
    let description = Lock(Description())
    private let lastActivity: Atomic<UInt64>
    private let lastCommandIndex = Atomic<Int>(-1)

    init(number: UInt64, descriptor: Int32, reactorIndex: Int, peer: PeerAddress, local: PeerAddress) {
        self.number = number
        identifier = Reactor.firstConnectionIdentifier + number
        self.descriptor = descriptor
        self.reactorIndex = reactorIndex
        self.peer = peer
        self.local = local
        lastActivity = Atomic(connectedAt)
    }

    /// Where the client comes from, as text.
    var address: String { peer.text }

    /// Notes a command that the client sent.
    func noteActivity(_ command: CountedCommand, at nanoseconds: UInt64) {
        lastActivity.store(nanoseconds, ordering: .relaxed)
        lastCommandIndex.store(command.index, ordering: .relaxed)
    }

    /// Seconds since the client connected.
    var ageSeconds: UInt64 { (Nanoseconds.now - connectedAt) / 1_000_000_000 }

    /// Seconds since the client's last command.
    var idleSeconds: UInt64 {
        let last = lastActivity.load(ordering: .relaxed)
        return (max(Nanoseconds.now, last) - last) / 1_000_000_000
    }

    /// The client's last command, or `NULL`, as Redis says.
    var lastCommand: String {
        let index = lastCommandIndex.load(ordering: .relaxed)
        return index < 0 ? "NULL" : CountedCommand.names[index].command
    }
}
