public import RepriseCore

/// A reply's header, whatever its dialect; the payload follows it.
///
/// - Source: docs/WIRE_LM.md § 3.
public struct LMReplyHeader: Hashable, Sendable {
    /// The outcome.
    public let code: LMReplyCode
    /// The bytes of payload behind the header.
    public let payloadByteCount: Int
    /// Format, element type and shape of the payload, as the value was stored with.
    public let metadata: MemoryObjectMetadata

    /// Creates a reply's header.
    ///
    /// - Precondition: `payloadByteCount` is from 0 to ``LMLimits/payloadByteCountMax``, or this traps.
    public init(_ code: LMReplyCode, payloadByteCount: Int = 0, metadata: MemoryObjectMetadata = .lmEmpty) {
        precondition(
            payloadByteCount >= 0 && payloadByteCount <= LMLimits.payloadByteCountMax,
            "a reply carries from 0 to 2 GiB - 1 bytes; answer .miss for larger values"
        )
        self.code = code
        self.payloadByteCount = payloadByteCount
        self.metadata = metadata
    }

    /// No such key: the answer to `get`, `exist` and `remove`, and to what cannot be answered.
    public static let miss = LMReplyHeader(.failure)

    /// The key is there, or was there: the answer to `exist`, `remove` and `health`.
    public static let found = LMReplyHeader(.success)

    /// The value follows: the answer to `get`.
    ///
    /// - Precondition: `byteCount` is from 0 to ``LMLimits/payloadByteCountMax``, or this traps.
    public static func hit(_ metadata: MemoryObjectMetadata, byteCount: Int) -> LMReplyHeader {
        LMReplyHeader(.success, payloadByteCount: byteCount, metadata: metadata)
    }

    /// Text follows: the answer to `list` and `stat`.
    ///
    /// - Precondition: `byteCount` is from 0 to ``LMLimits/payloadByteCountMax``, or this traps.
    public static func list(byteCount: Int) -> LMReplyHeader {
        LMReplyHeader(.success, payloadByteCount: byteCount)
    }

    /// Whether the payload's length is the one its shape and element type ask for, or they say nothing of it.
    ///
    /// A client checks it before it allocates by one and reads by the other. True without a payload.
    ///
    /// - Source: docs/WIRE_LM.md § 7.
    public var payloadAgreesWithShape: Bool {
        payloadByteCount == 0 || metadata.allows(payloadByteCount: payloadByteCount)
    }
}
