internal import RepriseCore

/// Who may use a server.
public struct AccessPolicy: Sendable {
    /// The password that RESP clients must give; `nil` for none.
    public var password: [UInt8]?
    /// Networks whose `lm://` clients, which cannot authenticate, are served beside those of this machine.
    public var lmAllowedNetworks: [NetworkRange] = []
    /// Users of this machine, beside the server's own, whose programs may use the Unix socket: with the local
    /// protocol, and only to read the memory.
    public var localAllowedUsers: Set<UInt32> = []
    /// Serve beyond this machine without a password.
    public var isUnprotected = false

    /// Creates a policy without a password.
    public init() {}

    /// Whether a password is needed.
    var needsPassword: Bool { password != nil }

    /// Whether a client from this address may speak `lm://`.
    ///
    /// Without a password and unprotected on purpose, `lm://` is no more open than RESP is anyway.
    func allowsLM(from address: PeerAddress) -> Bool {
        if address.isLocal || isUnprotected && password == nil && lmAllowedNetworks.isEmpty { return true }
        guard case .network(let bytes) = address.host else { return true }
        return lmAllowedNetworks.contains { $0.contains(bytes) }
    }

    /// Whether a password is the right one, in a time that does not tell how much of it is.
    func accepts(_ candidate: RawSpan) -> Bool {
        guard let password else { return false }
        return ConstantTime.areEqual(candidate, password.rawSpan)
    }
}

/// Comparisons whose time depends on lengths only.
enum ConstantTime {
    /// Whether `candidate` equals `secret`; takes time in proportion to the candidate's length, whatever the
    /// secret is.
    static func areEqual(_ candidate: RawSpan, _ secret: RawSpan) -> Bool {
        var difference = candidate.byteCount ^ secret.byteCount
        for index in 0..<candidate.byteCount {
            let other = secret.byteCount > 0 ? secret.loadByte(at: index % secret.byteCount) : 0
            difference |= Int(candidate.loadByte(at: index) ^ other)
        }
        return difference == 0
    }
}
