internal import Logging

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
}
