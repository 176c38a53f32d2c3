internal import RepriseCore

/// What a client says first.
///
/// - Source: docs/WIRE_LOCAL.md § 4.1.
public struct LocalHello: Hashable, Sendable {
    /// Bytes of the body.
    static let byteCount = 24

    /// The major version that the client speaks.
    public var major = LocalLimits.majorVersion
    /// The minor version up to which it knows the messages.
    public var minor = LocalLimits.minorVersion
    /// The session whose lookups the client may redeem, 16 bytes; zeros for one of its own.
    public var session: [UInt8]

    /// Creates a hello of this version.
    ///
    /// - Precondition: `session` has ``LocalLimits/sessionByteCount`` bytes, or this traps.
    public init(session: [UInt8] = [UInt8](repeating: 0, count: LocalLimits.sessionByteCount)) {
        precondition(session.count == LocalLimits.sessionByteCount, "a session's name has 16 bytes")
        self.session = session
    }

    /// The message's bytes.
    public func encoded(identifier: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        LocalHeader(.hello, identifier: identifier, bodyByteCount: Self.byteCount).append(to: &bytes)
        bytes.append(littleEndian: major)
        bytes.append(littleEndian: minor)
        bytes.append(littleEndian: UInt32(0))
        bytes += session
        return bytes
    }

    /// Reads a hello's body.
    ///
    /// - Throws: ``WireError`` — `badLength` when it has another length.
    public init(body: RawSpan) throws(WireError) {
        guard body.byteCount >= Self.byteCount else {
            throw WireError(.badLength, "a hello of \(body.byteCount) bytes; it has \(Self.byteCount)")
        }
        self.init(session: [UInt8](copying: body.extracting(8..<Self.byteCount)))
        major = body.loadLittleEndian(at: 0, as: UInt16.self)
        minor = body.loadLittleEndian(at: 2, as: UInt16.self)
    }
}

/// What the node answers to a hello, with the arena's descriptor beside it.
public struct LocalWelcome: Hashable, Sendable {
    /// Bytes of the body.
    static let byteCount = 64
    private static let writableFlag: UInt32 = 1

    /// The node's major version.
    public var major = LocalLimits.majorVersion
    /// The node's minor version.
    public var minor = LocalLimits.minorVersion
    /// Whether the descriptor can be mapped for writing, and room be reserved.
    public var isWritable = false
    /// Bytes of the arena: what to map.
    public var arenaByteCount = 0
    /// The most bytes that the session's leases may hold; one value alone may pass it.
    public var leasedByteCountMax = 0
    /// The most bytes that the session's reservations may take; one alone may pass it.
    public var reservedByteCountMax = 0
    /// The longest value.
    public var valueByteCountMax = 0
    /// How long a lookup keeps what is not redeemed, in milliseconds.
    public var keepMilliseconds = 0
    /// The age from which on a lease no longer keeps its entry stored, in milliseconds.
    public var leaseMilliseconds = 0
    /// The age from which on a reservation can no longer be committed, in milliseconds.
    public var reservationMilliseconds = 0

    /// Creates a welcome of this version.
    public init() {}

    /// The message's bytes.
    public func encoded(identifier: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        LocalHeader(.hello, identifier: identifier, bodyByteCount: Self.byteCount).append(to: &bytes)
        bytes.append(littleEndian: major)
        bytes.append(littleEndian: minor)
        bytes.append(littleEndian: isWritable ? Self.writableFlag : 0)
        for number in [arenaByteCount, leasedByteCountMax, reservedByteCountMax, valueByteCountMax] {
            bytes.append(littleEndian: UInt64(number))
        }
        for number in [keepMilliseconds, leaseMilliseconds, reservationMilliseconds] {
            bytes.append(littleEndian: UInt64(number))
        }
        return bytes
    }

    /// Reads a welcome's body.
    ///
    /// - Throws: ``WireError`` — `badLength` when it is too short, `badReply` when a number makes no sense.
    public init(body: RawSpan) throws(WireError) {
        guard body.byteCount >= Self.byteCount else {
            throw WireError(.badLength, "a welcome of \(body.byteCount) bytes; it has \(Self.byteCount)")
        }
        major = body.loadLittleEndian(at: 0, as: UInt16.self)
        minor = body.loadLittleEndian(at: 2, as: UInt16.self)
        isWritable = body.loadLittleEndian(at: 4, as: UInt32.self) & Self.writableFlag != 0
        arenaByteCount = try Self.number(at: 8, of: body)
        leasedByteCountMax = try Self.number(at: 16, of: body)
        reservedByteCountMax = try Self.number(at: 24, of: body)
        valueByteCountMax = try Self.number(at: 32, of: body)
        keepMilliseconds = try Self.number(at: 40, of: body)
        leaseMilliseconds = try Self.number(at: 48, of: body)
        reservationMilliseconds = try Self.number(at: 56, of: body)
    }

    private static func number(at offset: Int, of body: RawSpan) throws(WireError) -> Int {
        guard let number = Int(exactly: body.loadLittleEndian(at: offset, as: UInt64.self)) else {
            throw WireError(.badReply, "a welcome with a number over 63 bits; close the connection")
        }
        return number
    }
}
