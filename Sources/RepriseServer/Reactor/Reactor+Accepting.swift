internal import CRepriseShims
internal import Glibc

// SAFETY, whole file: the reactor's state is confined to its thread; bytes lie in its scratch memory or in
// the block of a reservation that only the connection knows.

extension Reactor {
    private static let acceptCountPerTurn = 64

    /// Accepts what waits on a listening socket.
    func acceptConnections(on listener: Int32) {
        for _ in 0..<Reactor.acceptCountPerTurn {
            let descriptor = reprise_accept(listener)
            if descriptor >= 0 {
                let socket = unsafe state.listeners.first { $0.descriptor == listener }
                unsafe state.accepted(descriptor, socket?.file?.path)
            } else if descriptor == -EMFILE || descriptor == -ENFILE {
                refuseOne(on: listener)
            } else if descriptor != -EINTR && descriptor != -ECONNABORTED {
                return
            }
        }
    }

    /// Accepts and closes one connection although the process has no descriptor left, so that the peer learns
    /// of it and the listener does not report it for ever.
    private func refuseOne(on listener: Int32) {
        // First: whoever sees the close may ask for the count.
        counters.add(.closedTooMany)
        Glibc.close(unsafe state.spareDescriptor)
        let descriptor = accept(listener, nil, nil)
        if descriptor >= 0 { Glibc.close(descriptor) }
        unsafe state.spareDescriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
    }
}
