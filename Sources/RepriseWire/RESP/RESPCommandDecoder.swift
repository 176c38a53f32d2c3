internal import RepriseCore

/// Reads commands on the server's side of one RESP connection: arrays of bulk strings, and inline commands.
///
/// It is called with all bytes from the start of the unfinished command on, remembers how far it has looked,
/// and keeps no bytes, with two exceptions: the words of an inline command, and the arguments around an
/// announced one. A step is repeated until it is taken: ``finish()`` ends a command, ``acceptValue(in:)``
/// takes an announced value out.
///
/// - Source: docs/WIRE_RESP.md; the Redis serialization protocol specification; the errors are Redis 7's.
public struct RESPCommandDecoder: Sendable {
    /// What to do next.
    public enum Step: Hashable, Sendable {
        /// Wait until more bytes are there, then call again with all of them.
        case needsBytes
        /// Nothing is asked: skip so many bytes.
        case empty(byteCount: Int)
        /// A command is complete with so many bytes; see ``RESPCommandDecoder/arguments``.
        case command(byteCount: Int)
        /// The next argument is long and has not been looked at: behind so many bytes, `valueByteCount` bytes
        /// of it follow.
        case value(byteCount: Int, valueByteCount: Int)
    }

    private enum Phase: Hashable, Sendable {
        case start
        /// So many arguments are to come.
        case arguments(rest: Int)
        /// The line of the next argument was read: so many bytes of it are to come.
        case argument(byteCount: Int, rest: Int)
        /// An announced value was taken out: its end mark comes next.
        case endOfValue(rest: Int)
        case complete(byteCount: Int)
    }

    /// The longest argument, announced ones included: a longer one is a fault of the framing.
    public static let argumentByteCountMax = 512 << 30

    let limits: RESPLimits
    /// Whether the client is spared the tighter limits for those that have not authenticated.
    public var isAuthenticated = true
    private var phase = Phase.start
    /// The arguments of the command so far, its name first: within ``heldBytes`` if ``isHeld``, else within
    /// the bytes that were decoded.
    public private(set) var arguments: [RESPArgument] = []
    /// Whether the arguments lie in ``heldBytes``.
    public private(set) var isHeld = false
    /// The bytes of an inline command's words, or of the arguments around an announced one.
    public private(set) var heldBytes: [UInt8] = []
    private var heldArgumentCount = 0
    /// The announced argument is to be kept all the same.
    private var keepsArgument = false
    /// How many of the bytes have been used.
    var offset = 0
    /// How many of the bytes behind `offset` are known to hold no line end.
    var searchedByteCount = 0

    /// Creates a decoder for a new connection.
    public init(limits: RESPLimits = RESPLimits()) {
        self.limits = limits
    }

    /// Whether a command has begun and is not finished.
    public var isAmidCommand: Bool { phase != .start }

    /// Looks at the bytes of the unfinished command.
    ///
    /// - Parameter bytes: All that has arrived since the last command was finished, or since the end of the
    ///   last value that was taken out; may go on beyond the command.
    /// - Throws: ``WireError`` with code `badCommand` and the text that Redis answers; the connection has
    ///   lost its framing and is to be closed.
    /// - Complexity: O(bytes that were not looked at before).
    public mutating func decode(_ bytes: RawSpan) throws(WireError) -> Step {
        while true {
            switch phase {
            case .start:
                guard bytes.byteCount > 0 else { return .needsBytes }
                guard bytes.loadByte(at: 0) == UInt8(ascii: "*") else { return try decodeInline(bytes) }
                guard let count = try argumentCount(bytes) else { return .needsBytes }
                if count == 0 { return .empty(byteCount: endEmpty()) }
                phase = .arguments(rest: count)
            case .arguments(rest: 0):
                if isHeld { hold(bytes) }
                phase = .complete(byteCount: offset)
            case .arguments(let rest):
                guard let byteCount = try argumentByteCount(bytes) else { return .needsBytes }
                phase = .argument(byteCount: byteCount, rest: rest)
            case .argument(let byteCount, _)
            where byteCount > limits.unannouncedByteCountMax && !keepsArgument:
                return .value(byteCount: offset, valueByteCount: byteCount)
            case .argument(let byteCount, let rest):
                guard bytes.byteCount - offset >= byteCount + 2 else { return .needsBytes }
                arguments.append(.kept(offset: offset, byteCount: byteCount))
                offset += byteCount
                keepsArgument = false
                try takeLineEnd(bytes)
                phase = .arguments(rest: rest - 1)
            case .endOfValue(let rest):
                guard bytes.byteCount >= 2 else { return .needsBytes }
                try takeLineEnd(bytes)
                phase = .arguments(rest: rest)
            case .complete(let byteCount):
                return .command(byteCount: byteCount)
            }
        }
    }

    /// Takes an announced value out of the stream: the caller receives or drops its bytes, and afterwards
    /// decodes what comes behind them.
    ///
    /// - Precondition: the last step was `value` for these bytes, or this traps.
    public mutating func acceptValue(in bytes: RawSpan) {
        guard case .argument(let byteCount, let rest) = phase else {
            preconditionFailure("no value was announced")
        }
        hold(bytes)
        arguments.append(.announced(byteCount: byteCount))
        heldArgumentCount = arguments.count
        phase = .endOfValue(rest: rest - 1)
        offset = 0
    }

    /// Keeps an announced argument with the others.
    ///
    /// - Precondition: the last step was `value`, of at most ``RESPLimits/keptArgumentByteCountMax`` bytes.
    public mutating func keepArgument() {
        guard case .argument(let byteCount, _) = phase, byteCount <= limits.keptArgumentByteCountMax else {
            preconditionFailure("no argument that can be kept was announced")
        }
        keepsArgument = true
    }

    /// Ends a command: the next one begins behind its bytes. One that is not complete is decoded anew, unless
    /// a value was taken out of it.
    public mutating func finish() {
        phase = .start
        arguments.removeAll(keepingCapacity: true)
        if isHeld {
            isHeld = false
            heldBytes = []
            heldArgumentCount = 0
        }
        offset = 0
        searchedByteCount = 0
        keepsArgument = false
    }

    private mutating func endEmpty() -> Int {
        let byteCount = offset
        finish()
        return byteCount
    }

    /// Copies the arguments that lie in the bytes to those that are held.
    private mutating func hold(_ bytes: RawSpan) {
        isHeld = true
        for index in heldArgumentCount..<arguments.count {
            guard let argument = arguments[index].bytes(in: bytes) else { continue }
            arguments[index] = .kept(offset: heldBytes.count, byteCount: argument.byteCount)
            heldBytes.append(copying: argument)
        }
        heldArgumentCount = arguments.count
    }

    /// Completes an inline command whose words are given.
    mutating func complete(inline words: [[UInt8]], byteCount: Int) -> Step {
        isHeld = true
        for word in words {
            arguments.append(.kept(offset: heldBytes.count, byteCount: word.count))
            heldBytes.append(contentsOf: word)
        }
        heldArgumentCount = arguments.count
        phase = .complete(byteCount: byteCount)
        return .command(byteCount: byteCount)
    }

    /// Bytes of the command that are or must be kept, up to the end of an argument that is to come.
    func keptByteCount(withArgumentOf byteCount: Int) -> Int {
        heldBytes.count + offset + min(byteCount, limits.keptArgumentByteCountMax)
    }
}
