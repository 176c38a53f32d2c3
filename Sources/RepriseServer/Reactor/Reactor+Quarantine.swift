internal import CRepriseShims
internal import Glibc
internal import RepriseCore

// SAFETY, whole file: the reactor's state is confined to its thread.

/// Connections whose peers have part of the node's memory mapped.
///
/// What such a peer holds must not be used for anything else while it may be reading or writing there. When
/// it is the peer that ends the connection, it is done with the memory; when it is the server, the connection
/// is kept aside until the peer has ended its side, too, or its process is gone.
extension Reactor {
    /// The bit that tells a peer's process from its connection, among the identifiers of what epoll watches.
    private static let processBit: UInt64 = 1 << 63

    /// Watches the process at the other end of a connection, if its session can name it.
    func watchProcess(of connection: Connection) {
        guard let descriptor = connection.session?.processDescriptor else { return }
        let identifier = connection.identifier | Reactor.processBit
        control(EPOLL_CTL_ADD, descriptor, events: EPOLLIN.rawValue, identifier: identifier)
    }

    /// Keeps a closed connection aside; `false` when there is no need to.
    func quarantine(_ connection: Connection) -> Bool {
        guard let session = connection.session, session.peerHoldsMemory, !connection.hasEnded else {
            return false
        }
        unsafe state.quarantined[connection.identifier] = connection
        counters.add(.quarantined)
        shutdown(connection.descriptor, Int32(SHUT_WR))
        connection.interest = EPOLLRDHUP.rawValue
        control(
            EPOLL_CTL_ADD,
            connection.descriptor,
            events: connection.interest,
            identifier: connection.identifier
        )
        return true
    }

    /// Reacts to what was reported of a process, or of a connection in quarantine.
    func handleOther(_ identifier: UInt64) {
        let connectionIdentifier = identifier & ~Reactor.processBit
        if let connection = unsafe state.connections[connectionIdentifier] {
            // The process is gone, though a child of it may keep the socket open.
            connection.hasEnded = true
            close(connection, reason: .closedProcessEnded)
        } else {
            endQuarantine(of: connectionIdentifier)
        }
    }

    /// Lets go of a connection that was kept aside.
    func endQuarantine(of identifier: UInt64) {
        guard let connection = unsafe state.quarantined.removeValue(forKey: identifier) else { return }
        counters.subtract(.quarantined)
        connection.session?.end()
    }
}
