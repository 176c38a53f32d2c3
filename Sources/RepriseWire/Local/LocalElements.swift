public import RepriseCore

/// A value under a lease, or why there is none: one element of the reply to `acquire`.
///
/// - Source: docs/WIRE_LOCAL.md § 4.3.
public struct LocalLease: Hashable, Sendable, BitwiseCopyable {
    /// Bytes of one element.
    public static let byteCount = 56

    /// `ok`, or why there is no lease.
    public var status: LocalStatus
    /// Where the value begins in the arena.
    public var offset: UInt64 = 0
    /// The value's bytes.
    public var valueByteCount: UInt64 = 0
    /// The lease's number; 0 for none.
    public var identifier: UInt64 = 0
    /// The format that the value was stored with over lm; 0 if over another way.
    public var format: Int32 = 0
    /// The element type that it was stored with.
    public var dtype: Int32 = 0
    /// The shape that it was stored with.
    public var shape = SIMD4<Int32>.zero

    /// Creates an element without a value.
    public init(_ status: LocalStatus) { self.status = status }

    /// Creates the element of a value.
    public init(offset: Int, valueByteCount: Int, identifier: UInt64, metadata: MemoryObjectMetadata) {
        status = .ok
        self.offset = UInt64(offset)
        self.valueByteCount = UInt64(valueByteCount)
        self.identifier = identifier
        guard metadata.origin != .plain else { return }
        format = metadata.formatCode
        dtype = metadata.dtypeCode
        shape = metadata.lmShapeWords
    }

    /// Appends the element's bytes.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(littleEndian: offset)
        bytes.append(littleEndian: valueByteCount)
        bytes.append(littleEndian: identifier)
        bytes.append(littleEndian: status.rawValue)
        bytes.append(littleEndian: format)
        bytes.append(littleEndian: dtype)
        for index in 0..<4 { bytes.append(littleEndian: shape[index]) }
        bytes.append(littleEndian: Int32(0))
    }

    /// Reads one element of a reply's body.
    ///
    /// - Parameter arenaByteCount: Bytes of the arena, which the value must lie in.
    /// - Throws: ``WireError`` — `badLength` when the body ends before it, `badReply` when its status is
    ///   unknown or its place is beyond the arena.
    public init(at index: Int, of body: RawSpan, arenaByteCount: Int) throws(WireError) {
        let start = index * Self.byteCount
        guard start >= 0, body.byteCount - start >= Self.byteCount else {
            throw WireError(.badLength, "a reply that ends before its element \(index)")
        }
        let code = body.loadLittleEndian(at: start + 24, as: Int32.self)
        guard let status = LocalStatus(rawValue: code) else {
            throw WireError(.badReply, "an element with the status \(code)")
        }
        self.status = status
        offset = body.loadLittleEndian(at: start, as: UInt64.self)
        valueByteCount = body.loadLittleEndian(at: start + 8, as: UInt64.self)
        identifier = body.loadLittleEndian(at: start + 16, as: UInt64.self)
        format = body.loadLittleEndian(at: start + 28, as: Int32.self)
        dtype = body.loadLittleEndian(at: start + 32, as: Int32.self)
        for part in 0..<4 { shape[part] = body.loadLittleEndian(at: start + 36 + 4 * part, as: Int32.self) }
        try checkPlace(offset, valueByteCount, in: arenaByteCount)
    }
}

/// Room for a value, or why there is none: one element of the reply to `reserve`.
///
/// - Source: docs/WIRE_LOCAL.md § 4.5.
public struct LocalRoom: Hashable, Sendable, BitwiseCopyable {
    /// Bytes of one element.
    public static let byteCount = 24

    /// `ok`, or why there is no room.
    public var status: LocalStatus
    /// Where the room begins in the arena.
    public var offset: UInt64 = 0
    /// The reservation's number; 0 for none.
    public var identifier: UInt64 = 0

    /// Creates an element without room.
    public init(_ status: LocalStatus) { self.status = status }

    /// Creates the element of a reservation.
    public init(offset: Int, identifier: UInt64) {
        status = .ok
        self.offset = UInt64(offset)
        self.identifier = identifier
    }

    /// Appends the element's bytes.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(littleEndian: offset)
        bytes.append(littleEndian: identifier)
        bytes.append(littleEndian: status.rawValue)
        bytes.append(littleEndian: Int32(0))
    }

    /// Reads one element of a reply's body.
    ///
    /// - Parameters:
    ///   - wanted: Bytes that were asked for.
    ///   - arenaByteCount: Bytes of the arena, which the room must lie in.
    /// - Throws: ``WireError``, as of ``LocalLease/init(at:of:arenaByteCount:)``.
    public init(at index: Int, of body: RawSpan, wanted: UInt64, arenaByteCount: Int) throws(WireError) {
        let start = index * Self.byteCount
        guard start >= 0, body.byteCount - start >= Self.byteCount else {
            throw WireError(.badLength, "a reply that ends before its element \(index)")
        }
        let code = body.loadLittleEndian(at: start + 16, as: Int32.self)
        guard let status = LocalStatus(rawValue: code) else {
            throw WireError(.badReply, "an element with the status \(code)")
        }
        self.status = status
        offset = body.loadLittleEndian(at: start, as: UInt64.self)
        identifier = body.loadLittleEndian(at: start + 8, as: UInt64.self)
        if status == .ok { try checkPlace(offset, wanted, in: arenaByteCount) }
    }
}

/// What a node holds: the body of the reply to `stats`.
public struct LocalStats: Hashable, Sendable, BitwiseCopyable {
    /// Bytes of the body.
    public static let byteCount = 40

    /// Bytes that values can take together.
    public var capacityByteCount: UInt64 = 0
    /// Bytes in use.
    public var usedByteCount: UInt64 = 0
    /// Stored values.
    public var entryCount: UInt64 = 0
    /// Bytes that the session's leases and kept lookups hold.
    public var leasedByteCount: UInt64 = 0
    /// Bytes that the session's reservations take.
    public var reservedByteCount: UInt64 = 0

    /// Creates statistics of zeros.
    public init() {}

    /// Appends the body's bytes.
    public func append(to bytes: inout [UInt8]) {
        for number in [capacityByteCount, usedByteCount, entryCount, leasedByteCount, reservedByteCount] {
            bytes.append(littleEndian: number)
        }
    }

    /// Reads a reply's body.
    ///
    /// - Throws: ``WireError`` — `badLength` when it is too short.
    public init(body: RawSpan) throws(WireError) {
        guard body.byteCount >= Self.byteCount else {
            throw WireError(.badLength, "statistics of \(body.byteCount) bytes; they have \(Self.byteCount)")
        }
        capacityByteCount = body.loadLittleEndian(at: 0, as: UInt64.self)
        usedByteCount = body.loadLittleEndian(at: 8, as: UInt64.self)
        entryCount = body.loadLittleEndian(at: 16, as: UInt64.self)
        leasedByteCount = body.loadLittleEndian(at: 24, as: UInt64.self)
        reservedByteCount = body.loadLittleEndian(at: 32, as: UInt64.self)
    }
}

/// Numbers of leases and reservations, and statuses: bodies that are plain lists.
public enum LocalNumbers {
    /// The message that gives leases or reservations back, or commits them.
    ///
    /// - Precondition: there are at most ``LocalLimits/elementCountMax``, or this traps.
    public static func encoded(
        _ operation: LocalOperation,
        identifier: UInt64,
        flags: LocalHeader.Flags = [],
        _ numbers: [UInt64]
    ) -> [UInt8] {
        precondition(numbers.count <= LocalLimits.elementCountMax, "too many numbers for a message")
        var header = LocalHeader(operation, identifier: identifier, count: numbers.count)
        header.bodyByteCount = 8 * numbers.count
        header.flags = flags
        var bytes: [UInt8] = []
        header.append(to: &bytes)
        for number in numbers { bytes.append(littleEndian: number) }
        return bytes
    }

    /// Reads the status at a position of a reply's body.
    ///
    /// - Throws: ``WireError`` — `badLength`, `badReply`.
    public static func status(at index: Int, of body: RawSpan) throws(WireError) -> LocalStatus {
        guard index >= 0, body.byteCount >= 4 * (index + 1) else {
            throw WireError(.badLength, "a reply that ends before its element \(index)")
        }
        let code = body.loadLittleEndian(at: 4 * index, as: Int32.self)
        guard let status = LocalStatus(rawValue: code) else {
            throw WireError(.badReply, "an element with the status \(code)")
        }
        return status
    }

    /// Reads the numbers that are the whole of a request's body.
    ///
    /// - Throws: ``WireError`` — `badLength` when the body has another length.
    public static func numbers(of body: RawSpan, count: Int) throws(WireError) -> [UInt64] {
        guard body.byteCount == 8 * count else {
            throw WireError(.badLength, "\(count) numbers in a body of \(body.byteCount) bytes")
        }
        return (0..<count).map { body.loadLittleEndian(at: 8 * $0, as: UInt64.self) }
    }

    /// Appends a status as an answer has it for each element.
    public static func append(_ status: LocalStatus, to bytes: inout [UInt8]) {
        bytes.append(littleEndian: status.rawValue)
    }

    /// Appends a number as `reserve` has it in front of its keys.
    public static func append(_ byteCount: UInt64, to bytes: inout [UInt8]) {
        bytes.append(littleEndian: byteCount)
    }
}

/// Checks that a node's answer does not lead out of the arena.
private func checkPlace(_ offset: UInt64, _ byteCount: UInt64, in arenaByteCount: Int) throws(WireError) {
    let (end, overflow) = offset.addingReportingOverflow(byteCount)
    guard !overflow, end <= UInt64(arenaByteCount) else {
        throw WireError(.badReply, "bytes \(offset) to \(end) of an arena of \(arenaByteCount)")
    }
}
