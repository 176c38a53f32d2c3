internal import RepriseCore
public import RepriseWire

/// A blocking connection to a node over whichever protocol its URL names.
///
/// Used by one thread at a time. The rules for errors are those of ``LMConnection`` and ``RESPConnection``.
public struct NodeConnection: ~Copyable, Sendable {
    // Exactly one of the two is there: an enum's payload cannot be changed in place while it is not copyable.
    internal var lm: LMConnection?
    internal var resp: RESPConnection?

    /// The bytes that a buffer needs beyond the value that is received into it, so that it never grows.
    public static let receiveMarginByteCount = RESPConnection.receiveMarginByteCount

    /// Connects to a node.
    ///
    /// - Parameter dialect: The dialect of lm to speak; without effect over RESP.
    /// - Throws: ``RemoteError`` — `unreachable`, `refused`, `timedOut` or `system`; `rejected` if the node
    ///   does not let the client in.
    public init(
        connectingTo url: NodeURL,
        dialect: LMDialect = .current,
        timeouts: RemoteTimeouts = RemoteTimeouts()
    ) throws(RemoteError) {
        switch url.wire {
        case .lm:
            let connection = try LMConnection(connectingTo: url, dialect: dialect, timeouts: timeouts)
            self.init(connection)
        case .resp:
            let connection = try RESPConnection(connectingTo: url, timeouts: timeouts)
            self.init(connection)
        }
    }

    /// Takes over a connection that speaks lm.
    public init(_ connection: consuming LMConnection) {
        lm = .some(connection)
        resp = nil
    }

    /// Takes over a connection that speaks RESP.
    public init(_ connection: consuming RESPConnection) {
        lm = nil
        resp = .some(connection)
    }

    /// The protocol that is spoken.
    public var wire: NodeURL.Wire { lm == nil ? .resp : .lm }

    /// Does one or the other, whatever is spoken.
    internal mutating func perform<Result>(
        _ overLM: (inout LMConnection) throws(RemoteError) -> Result,
        _ overRESP: (inout RESPConnection) throws(RemoteError) -> Result
    ) throws(RemoteError) -> Result {
        if lm != nil { return try overLM(&lm!) }
        return try overRESP(&resp!)
    }
}
