internal import Logging
internal import RepriseWire

extension SessionContext {
    /// The first byte of a TLS client's greeting: RFC 8446 § 5.1.
    private static let tlsHandshake: UInt8 = 0x16
    /// The first bytes of `lm://` requests.
    private static let lmFirstBytes: ClosedRange<UInt8> = 1...5

    /// Makes the session of a connection by its first byte; `nil` when it is not served.
    func makeSession(_ firstByte: UInt8, of connection: Connection) -> (any Session)? {
        let address: Logger.Metadata = ["client": "\(connection.client.address)"]
        if firstByte == Self.tlsHandshake {
            counters.add(.closedProtocolError)
            logger.notice("closed a connection that speaks TLS, which is not served here", metadata: address)
            return nil
        }
        guard allowsOtherProtocols(than: firstByte, on: connection) else { return nil }
        guard firstByte != LocalHeader.magic else { return makeLocalSession(of: connection) }
        guard Self.lmFirstBytes.contains(firstByte) else {
            return RESPSession(context: self, client: connection.client)
        }
        guard group.access.allowsLM(from: connection.client.peer) else {
            counters.add(.closedNotAllowed)
            logger.notice(
                "closed a connection that speaks lm://, which cannot authenticate: --lm-allow names networks",
                metadata: address
            )
            return nil
        }
        return LMSession(context: self)
    }

    /// Whether a connection may go on: other users of the Unix socket speak the local protocol only.
    private func allowsOtherProtocols(than firstByte: UInt8, on connection: Connection) -> Bool {
        guard case .unix = connection.client.peer.host, !group.access.localAllowedUsers.isEmpty,
            firstByte != LocalHeader.magic,
            LocalPeer(descriptor: connection.descriptor)?.user != LocalPeer.ownUser
        else { return true }
        counters.add(.closedNotAllowed)
        logger.notice("closed a connection of another user that speaks no local protocol")
        return false
    }

    /// Makes the session of a connection that speaks the local protocol; `nil` when it is not served.
    private func makeLocalSession(of connection: Connection) -> (any Session)? {
        guard case .unix = connection.client.peer.host,
            let peer = LocalPeer(descriptor: connection.descriptor)
        else {
            closedProtocolError(connection.client, "the local protocol is served on the Unix socket only")
            return nil
        }
        let isAllowed = group.access.localAllowedUsers.contains(peer.user)
        guard peer.user == LocalPeer.ownUser || isAllowed else {
            counters.add(.closedNotAllowed)
            logger.notice(
                "closed a connection of another user: --local-allow-uid names those that may read",
                metadata: ["user": "\(peer.user)"]
            )
            return nil
        }
        return LocalSession(context: self, peer: peer)
    }
}
