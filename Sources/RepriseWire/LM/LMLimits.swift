/// The limits of the `lm://` protocol, which its fields impose.
///
/// - Source: docs/WIRE_LM.md § 2.
public enum LMLimits {
    /// The most bytes a key can have: the width of the key field.
    public static let keyByteCountMax = 150
    /// The most bytes a payload can have: its length is a signed 32-bit number.
    public static let payloadByteCountMax = Int(Int32.max)
    /// How many bytes of a connection's first request tell its dialect.
    static let detectionByteCount = 36
}
