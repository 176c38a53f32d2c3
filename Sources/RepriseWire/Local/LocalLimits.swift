/// Limits of the local protocol that both ends know.
///
/// - Source: docs/WIRE_LOCAL.md § 2.
public enum LocalLimits {
    /// The version that both ends must share.
    public static let majorVersion: UInt16 = 1
    /// The version up to which an end knows the messages of its major version.
    public static let minorVersion: UInt16 = 0
    /// Bytes of every message's header.
    public static let headerByteCount = 32
    /// The most bytes behind a header, a put's payload not included.
    public static let bodyByteCountMax = 1 << 20
    /// The most keys, leases or reservations of one message.
    public static let elementCountMax = 1024
    /// The longest key, in bytes; the shortest has one.
    public static let keyByteCountMax = 4096
    /// Bytes of a session's name.
    public static let sessionByteCount = 16
}
