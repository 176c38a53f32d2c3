/// What an `lm://` request asks for.
///
/// The first five are LMCache's. The rest are ours: their low byte is 5, so that a request's first byte is
/// always within 1...5, by which a port shared with RESP tells the two protocols apart.
///
/// - Source: docs/WIRE_LM.md §§ 5 and 6.
public enum LMCommand: Int32, CaseIterable, Sendable {
    /// Stores a value; has no reply.
    case put = 1
    /// Fetches a value.
    case get = 2
    /// Asks whether a key is there.
    case exist = 3
    /// Fetches all keys, joined by newlines; needs no key.
    case list = 4
    /// Asks whether the server is there; needs no key.
    case health = 5
    /// Removes a key; answered like ``exist``, by whether it was there. Ours.
    case remove = 0x0105
    /// Fetches the server's statistics as text; needs no key. Ours.
    case stat = 0x0205

    /// Whether a request without a key breaks the protocol.
    public var needsKey: Bool {
        switch self {
        case .put, .get, .exist, .remove: true
        case .list, .health, .stat: false
        }
    }
}
