public import RepriseCore

/// A request's header, whatever its dialect; the payload of a `put` follows it.
///
/// - Source: docs/WIRE_LM.md § 3.
public struct LMRequest: Hashable, Sendable {
    /// What is asked for.
    public let command: LMCommand
    /// The bytes of payload behind the header; 0 unless the command is `put`.
    public let payloadByteCount: Int
    /// The key without its padding; empty only for `list`, `health` and `stat`.
    public let key: StorageKey
    /// Format, element type and shape as they came, unchecked; those of `lmV0` where the dialect has none.
    public let metadata: MemoryObjectMetadata
    /// Whether another node asks, for what this one has itself: it does not ask others in its turn. Only the
    /// current dialect can say so, by its location.
    public let isFromPeer: Bool

    /// The location that a node's request to another one has; LMCache's are 0 to 2, and its servers ignore
    /// them.
    public static let peerLocation: Int32 = 1001

    /// Creates a request to send.
    ///
    /// - Parameters:
    ///   - metadata: What a `put` says of its payload; the other commands carry what LMCache's clients send.
    ///   - payloadByteCount: The bytes that will follow the header; 0 unless the command is `put`.
    /// - Throws: ``WireError`` — `tooLarge` if the key has more than 150 bytes or the payload more than 2 GiB
    ///   − 1; `badKey` if the key would not come back as it is; `badLength` if the length is negative, or not
    ///   0 without a `put`; `badMetadata` if the format or the last dimension is a number that hides the
    ///   dialect.
    public init(
        _ command: LMCommand,
        key: StorageKey,
        metadata: MemoryObjectMetadata = .lmEmpty,
        payloadByteCount: Int = 0,
        isFromPeer: Bool = false
    ) throws(WireError) {
        try LMKeyField.check(key.bytes, required: command.needsKey)
        guard payloadByteCount >= 0, payloadByteCount == 0 || command == .put else {
            throw WireError(.badLength, "\(payloadByteCount) bytes of payload with the command \(command)")
        }
        guard payloadByteCount <= LMLimits.payloadByteCountMax else {
            throw WireError(.tooLarge, "a payload of \(payloadByteCount) bytes; lm:// carries 2 GiB - 1")
        }
        let telling = [metadata.formatCode, metadata.lmShapeWords[3]]
        guard telling.allSatisfy({ !LMDialect.isKeyText(UInt32(bitPattern: $0)) }) else {
            throw WireError(.badMetadata, "format or last dimension look like the text of a key: \(telling)")
        }
        self.init(
            command: command,
            payloadByteCount: payloadByteCount,
            key: key,
            metadata: metadata,
            isFromPeer: isFromPeer
        )
    }

    /// Creates a request from parts that came over the wire.
    init(
        command: LMCommand,
        payloadByteCount: Int,
        key: StorageKey,
        metadata: MemoryObjectMetadata,
        isFromPeer: Bool
    ) {
        self.isFromPeer = isFromPeer
        self.command = command
        self.payloadByteCount = payloadByteCount
        self.key = key
        self.metadata = metadata
    }

    /// Whether the payload's length is the one its shape and element type ask for.
    ///
    /// True also wherever the two say nothing of it: other commands than `put`, the oldest dialect, binary
    /// and unknown formats, no or an unknown element type. A value for which this is false is to be read and
    /// dropped.
    ///
    /// - Source: docs/WIRE_LM.md § 7.
    public var payloadAgreesWithShape: Bool {
        command != .put || metadata.allows(payloadByteCount: payloadByteCount)
    }
}
