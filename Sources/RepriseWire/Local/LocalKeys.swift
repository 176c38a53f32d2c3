internal import RepriseCore

/// The keys of one message: a table of their lengths, 2 bytes each, and then their bytes.
///
/// - Source: docs/WIRE_LOCAL.md § 3.
public struct LocalKeys: ~Escapable {
    private let lengths: RawSpan
    private let bytes: RawSpan
    /// How many keys there are.
    public let count: Int

    /// Checks a table that is the whole of `body`.
    ///
    /// - Throws: ``WireError`` — `badLength` when the lengths do not add up to the body's; `badKey` when a
    ///   key is empty, `tooLarge` when one is too long.
    /// - Complexity: O(keys); does not allocate.
    @_lifetime(copy body)
    public init(body: RawSpan, count: Int) throws(WireError) {
        guard count >= 0, body.byteCount >= 2 * count else {
            throw WireError(.badLength, "\(count) keys in a body of \(body.byteCount) bytes")
        }
        var total = 0
        for index in 0..<count {
            let length = Int(body.loadLittleEndian(at: 2 * index, as: UInt16.self))
            guard length > 0 else { throw WireError(.badKey, "key \(index) is empty") }
            guard length <= LocalLimits.keyByteCountMax else {
                throw WireError(
                    .tooLarge,
                    "key \(index) has \(length) bytes of \(LocalLimits.keyByteCountMax)"
                )
            }
            total += length
        }
        guard total == body.byteCount - 2 * count else {
            throw WireError(
                .badLength,
                "keys of \(total) bytes in a body that has \(body.byteCount - 2 * count) for them"
            )
        }
        lengths = body.extracting(first: 2 * count)
        bytes = body.extracting(droppingFirst: 2 * count)
        self.count = count
    }

    /// Calls `visit` with the bytes of each of the first `count` keys, the last of them first.
    ///
    /// - Precondition: there are so many keys, or this traps.
    public func forEachReversed(first count: Int, _ visit: (RawSpan) -> Void) {
        precondition(count <= self.count, "more keys than there are")
        var end = 0
        for index in 0..<count { end += Int(lengths.loadLittleEndian(at: 2 * index, as: UInt16.self)) }
        for index in (0..<count).reversed() {
            let start = end - Int(lengths.loadLittleEndian(at: 2 * index, as: UInt16.self))
            visit(bytes.extracting(start..<end))
            end = start
        }
    }

    /// Calls `visit` with each key's position and bytes, in order, until it answers `false`.
    public func forEach(_ visit: (Int, RawSpan) -> Bool) {
        var offset = 0
        for index in 0..<count {
            let length = Int(lengths.loadLittleEndian(at: 2 * index, as: UInt16.self))
            guard visit(index, bytes.extracting(offset..<(offset + length))) else { return }
            offset += length
        }
    }
}

/// A message with keys, built up key by key until it is full.
public struct LocalKeysWriter: Sendable {
    private var lengths: [UInt8] = []
    private var bytes: [UInt8] = []
    /// Bytes that each key takes besides, in front of the table.
    private let prefixByteCountPerKey: Int
    /// Keys added so far.
    public private(set) var count = 0

    /// Creates an empty message.
    ///
    /// - Parameter prefixByteCountPerKey: Bytes that the body has for each key in front of the table.
    public init(prefixByteCountPerKey: Int = 0) {
        self.prefixByteCountPerKey = prefixByteCountPerKey
    }

    /// Bytes of the body so far, without what is in front of the table.
    public var byteCount: Int { lengths.count + bytes.count }

    /// Adds a key; `false` when the message has no more room for it.
    ///
    /// - Precondition: the key has 1 to ``LocalLimits/keyByteCountMax`` bytes, or this traps.
    public mutating func append(_ key: RawSpan) -> Bool {
        precondition(key.byteCount > 0 && key.byteCount <= LocalLimits.keyByteCountMax, "a key's length")
        let needed = byteCount + prefixByteCountPerKey * (count + 1) + 2 + key.byteCount
        guard count < LocalLimits.elementCountMax, needed <= LocalLimits.bodyByteCountMax else {
            return false
        }
        lengths.append(littleEndian: UInt16(key.byteCount))
        bytes.append(copying: key)
        count += 1
        return true
    }

    /// The message's bytes.
    ///
    /// - Parameter prefix: What is in front of the table.
    public func encoded(
        _ operation: LocalOperation,
        identifier: UInt64,
        flags: LocalHeader.Flags = [],
        argument: UInt64 = 0,
        prefix: [UInt8] = []
    ) -> [UInt8] {
        var header = LocalHeader(
            operation,
            identifier: identifier,
            bodyByteCount: prefix.count + byteCount,
            count: count,
            argument: argument
        )
        header.flags = flags
        var message: [UInt8] = []
        message.reserveCapacity(header.messageByteCount)
        header.append(to: &message)
        message += prefix
        message += lengths
        message += bytes
        return message
    }

    /// Empties the message for the next use.
    public mutating func removeAll() {
        lengths.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        count = 0
    }
}
