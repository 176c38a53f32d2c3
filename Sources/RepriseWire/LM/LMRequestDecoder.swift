internal import RepriseCore

/// Reads requests on the server's side of one connection; holds nothing but the connection's dialect.
///
/// - Source: docs/WIRE_LM.md §§ 3 and 4.
public struct LMRequestDecoder: Sendable {
    /// What to do next.
    public enum Step: Hashable, Sendable {
        /// Wait until so many bytes, from the start of the span, are there; then call again with all of them.
        case needsBytes(Int)
        /// A request's header took so many bytes; its payload follows, then the next request.
        case request(LMRequest, headerByteCount: Int)
    }

    /// The connection's dialect: that of its first request, and of all later ones; `nil` until it is known.
    public private(set) var dialect: LMDialect?

    /// Creates a decoder for a new connection.
    ///
    /// - Parameter dialect: The only dialect to read, or `nil` to tell it from the first request.
    public init(dialect: LMDialect? = nil) {
        self.dialect = dialect
    }

    /// Reads the header at the start of `bytes`.
    ///
    /// Faults are found in the order of the bytes, so the outcome does not depend on how they arrive.
    ///
    /// - Parameter bytes: Everything received and not yet consumed; may go on beyond the header.
    /// - Throws: ``WireError`` — `unknownCommand`; `badLength` if a `put` has a negative length; `badKey` if
    ///   the key is blank where one is needed, or not UTF-8. The connection has lost its framing and is to be
    ///   closed.
    /// - Complexity: O(1). Allocates one array: the key's bytes.
    public mutating func decode(_ bytes: RawSpan) throws(WireError) -> Step {
        guard bytes.byteCount >= 8 else {
            return .needsBytes(dialect?.requestHeaderByteCount ?? LMLimits.detectionByteCount)
        }
        let command = try Self.command(of: bytes)
        let payloadByteCount = try Self.payloadByteCount(of: bytes, command: command)
        guard let dialect = dialect ?? LMDialect.detect(bytes) else {
            return .needsBytes(LMLimits.detectionByteCount)
        }
        self.dialect = dialect
        let headerByteCount = dialect.requestHeaderByteCount
        guard bytes.byteCount >= headerByteCount else { return .needsBytes(headerByteCount) }
        let keyField = bytes.extracting(dialect.keyOffset..<headerByteCount)
        let request = LMRequest(
            command: command,
            payloadByteCount: payloadByteCount,
            key: try LMKeyField.decode(keyField, required: command.needsKey),
            metadata: Self.metadata(of: bytes, dialect: dialect, payloadByteCount: payloadByteCount),
            isFromPeer: dialect.isFromPeer(bytes)
        )
        return .request(request, headerByteCount: headerByteCount)
    }

    private static func command(of bytes: RawSpan) throws(WireError) -> LMCommand {
        let number = bytes.loadLittleEndian(at: 0, as: Int32.self)
        guard let command = LMCommand(rawValue: number) else {
            throw WireError(.unknownCommand, "command \(number); lm:// has 1 to 5, 261 and 517")
        }
        return command
    }

    private static func payloadByteCount(of bytes: RawSpan, command: LMCommand) throws(WireError) -> Int {
        // As in LMCache, the length counts only where a payload belongs.
        guard command == .put else { return 0 }
        let length = bytes.loadLittleEndian(at: 4, as: Int32.self)
        guard length >= 0 else {
            throw WireError(
                .badLength,
                "put with a length of \(length); where the next request begins is lost"
            )
        }
        return Int(length)
    }

    private static func metadata(
        of bytes: RawSpan,
        dialect: LMDialect,
        payloadByteCount: Int
    ) -> MemoryObjectMetadata {
        guard let shapeOffset = dialect.requestShapeOffset else {
            return .lmV0(payloadByteCount: payloadByteCount)
        }
        return MemoryObjectMetadata(lmFormatAt: 8, shapeAt: shapeOffset, of: bytes)
    }
}
