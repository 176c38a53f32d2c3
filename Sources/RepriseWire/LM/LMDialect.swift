internal import RepriseCore

/// A dialect of the `lm://` protocol; they differ in what their headers carry, and none of them names itself.
///
/// - Source: docs/WIRE_LM.md § 3.
public enum LMDialect: CaseIterable, Sendable {
    /// The oldest: command, length and key; 158 bytes a request, 8 a reply.
    case v0
    /// With format, element type and shape; 182 bytes a request, 32 a reply. LMCache 0.2 and 0.3.
    case seed
    /// With a location as well; 186 bytes a request, 36 a reply. LMCache 0.5.
    case current

    /// The bytes of a request's header; its payload follows.
    public var requestHeaderByteCount: Int { keyOffset + LMLimits.keyByteCountMax }

    /// The bytes of a reply's header; its payload follows.
    public var replyHeaderByteCount: Int {
        switch self {
        case .v0: 8
        case .seed: 32
        case .current: 36
        }
    }

    /// Where a request's key field begins: it is the last field.
    var keyOffset: Int {
        switch self {
        case .v0: 8
        case .seed: 32
        case .current: 36
        }
    }

    /// Where a request's four shape numbers begin, or `nil` in the dialect without any.
    var requestShapeOffset: Int? {
        switch self {
        case .v0: nil
        case .seed: 16
        case .current: 20
        }
    }

    /// Where a request's location is, or `nil` in a dialect without one.
    var requestLocationOffset: Int? { self == .current ? 16 : nil }

    /// Whether a request's location says that another node asks.
    func isFromPeer(_ bytes: RawSpan) -> Bool {
        guard let offset = requestLocationOffset else { return false }
        return bytes.loadLittleEndian(at: offset, as: Int32.self) == LMRequest.peerLocation
    }

    /// Tells the dialect from the first bytes of a connection's first request.
    ///
    /// Where an older dialect has the first four bytes of its key, all of them at least 0x20, a newer one has
    /// a small number, which holds a zero byte: first at byte 8 (key or format), then at byte 32 (key or last
    /// dimension). ``LMRequest/init(_:key:metadata:payloadByteCount:)`` refuses what would be misjudged.
    ///
    /// - Returns: `nil` while there are fewer than 36 bytes.
    /// - Complexity: O(1).
    /// - Source: docs/WIRE_LM.md § 4.
    public static func detect(_ bytes: RawSpan) -> LMDialect? {
        guard bytes.byteCount >= LMLimits.detectionByteCount else { return nil }
        if isKeyText(bytes.loadLittleEndian(at: 8, as: UInt32.self)) { return .v0 }
        if isKeyText(bytes.loadLittleEndian(at: 32, as: UInt32.self)) { return .seed }
        return .current
    }

    /// Whether none of a word's four bytes is a control character, as in the start of a key field.
    static func isKeyText(_ word: UInt32) -> Bool {
        // A byte is at least 0x20 if one of its three high bits is set.
        let bits = word & 0xE0E0_E0E0
        return ((bits | bits << 1 | bits << 2) & 0x8080_8080) == 0x8080_8080
    }
}
