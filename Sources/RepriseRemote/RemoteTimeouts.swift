/// How long a connection waits for its peer before it gives up; `nil` waits for ever.
public struct RemoteTimeouts: Hashable, Sendable {
    /// The longest wait for the connection to be made, per address tried.
    public var connect: Duration?
    /// The longest wait for the next bytes of a reply, and for room to send more bytes; not for the whole
    /// transfer.
    public var transfer: Duration?

    /// Creates timeouts.
    public init(connect: Duration? = .seconds(5), transfer: Duration? = .seconds(30)) {
        self.connect = connect
        self.transfer = transfer
    }
}
