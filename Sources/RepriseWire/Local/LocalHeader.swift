internal import RepriseCore

/// The header of every message of the local protocol, in both directions: 32 bytes.
///
/// - Source: docs/WIRE_LOCAL.md § 3.
public struct LocalHeader: Hashable, Sendable, BitwiseCopyable {
    /// The first byte of every message: it tells the protocol from others on the same socket.
    public static let magic: UInt8 = 0xD2

    /// What a message may ask for besides.
    public struct Flags: OptionSet, Hashable, Sendable, BitwiseCopyable {
        /// The 16 bits as sent.
        public let rawValue: UInt16

        /// Creates flags of their bits.
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// A message that is usually not answered is to be.
        public static let wantsReply = Flags(rawValue: 1)
        /// A lookup is to keep what it finds.
        public static let keeps = Flags(rawValue: 2)
        /// All flags there are.
        static let known: Flags = [.wantsReply, .keeps]
    }

    /// What is asked for.
    public var operation: LocalOperation
    /// What is asked for besides.
    public var flags: Flags = []
    /// Bytes of the body that follows.
    public var bodyByteCount: Int
    /// The request's number, chosen by the client and repeated by its reply.
    public var identifier: UInt64
    /// Elements of the body; in a lookup's reply the prefix's length.
    public var count: Int
    /// What became of a request as a whole; `ok` in requests.
    public var status: LocalStatus = .ok
    /// A number whose meaning is the operation's.
    public var argument: UInt64 = 0

    /// Creates a header.
    ///
    /// - Precondition: the numbers are within ``LocalLimits``, or encoding traps.
    public init(
        _ operation: LocalOperation,
        identifier: UInt64,
        bodyByteCount: Int = 0,
        count: Int = 0,
        argument: UInt64 = 0
    ) {
        self.operation = operation
        self.identifier = identifier
        self.bodyByteCount = bodyByteCount
        self.count = count
        self.argument = argument
    }

    /// Bytes of header and body.
    public var messageByteCount: Int { LocalLimits.headerByteCount + bodyByteCount }

    /// Appends the header's bytes.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(Self.magic)
        bytes.append(operation.rawValue)
        bytes.append(littleEndian: flags.rawValue)
        bytes.append(littleEndian: UInt32(bodyByteCount))
        bytes.append(littleEndian: identifier)
        bytes.append(littleEndian: UInt32(count))
        bytes.append(littleEndian: status.rawValue)
        bytes.append(littleEndian: argument)
    }

    /// Reads the header at the start of `bytes`; `nil` while there are too few of them.
    ///
    /// Faults are found in the order of the bytes, so the outcome does not depend on how they arrive.
    ///
    /// - Throws: ``WireError`` — `badCommand`, `unknownCommand`, `tooLarge`, `badReply`: the framing is lost.
    /// - Complexity: O(1); does not allocate.
    public static func decode(_ bytes: RawSpan) throws(WireError) -> LocalHeader? {
        if bytes.byteCount >= 2 { try checkStart(bytes) }
        guard bytes.byteCount >= LocalLimits.headerByteCount else { return nil }
        guard let operation = LocalOperation(rawValue: bytes.loadByte(at: 1)) else { return nil }
        let flags = Flags(rawValue: bytes.loadLittleEndian(at: 2, as: UInt16.self))
        guard flags.isSubset(of: .known) else {
            throw WireError(
                .badCommand,
                "flags \(flags.rawValue); 1 and 2 are known"
            )
        }
        let bodyByteCount = Int(bytes.loadLittleEndian(at: 4, as: UInt32.self))
        guard bodyByteCount <= LocalLimits.bodyByteCountMax else {
            throw WireError(
                .tooLarge,
                "a body of \(bodyByteCount) bytes; a message has \(LocalLimits.bodyByteCountMax) at most"
            )
        }
        let count = Int(bytes.loadLittleEndian(at: 16, as: UInt32.self))
        guard count <= LocalLimits.elementCountMax else {
            throw WireError(
                .tooLarge,
                "\(count) elements; a message has \(LocalLimits.elementCountMax) at most"
            )
        }
        let status = bytes.loadLittleEndian(at: 20, as: Int32.self)
        guard let status = LocalStatus(rawValue: status) else {
            throw WireError(.badReply, "status \(status); 0 to 10 are known")
        }
        var header = LocalHeader(
            operation,
            identifier: bytes.loadLittleEndian(at: 8, as: UInt64.self),
            bodyByteCount: bodyByteCount,
            count: count,
            argument: bytes.loadLittleEndian(at: 24, as: UInt64.self)
        )
        header.flags = flags
        header.status = status
        return header
    }

    private static func checkStart(_ bytes: RawSpan) throws(WireError) {
        guard bytes.loadByte(at: 0) == magic else {
            throw WireError(.badCommand, "a message that begins with \(bytes.loadByte(at: 0)), not 210")
        }
        guard LocalOperation(rawValue: bytes.loadByte(at: 1)) != nil else {
            throw WireError(.unknownCommand, "operation \(bytes.loadByte(at: 1)); there are 1 to 12")
        }
    }
}

extension [UInt8] {
    /// Appends an integer's bytes in little-endian order.
    mutating func append<Integer: FixedWidthInteger>(littleEndian value: Integer) {
        var rest = value
        for _ in 0..<MemoryLayout<Integer>.size {
            append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }
}
