/// A key as backends see it: opaque bytes, and a fingerprint of them computed once.
///
/// The bytes are usually the text form of a ``CacheEngineKey``, but nothing below the engine parses them.
public struct StorageKey: Sendable {
    /// The key's bytes, exactly as stored, listed and compared.
    public let bytes: [UInt8]
    /// A 64-bit keyed hash of `bytes`; equal keys have equal fingerprints within one process, and no other.
    public let fingerprint: UInt64

    /// Creates a key from bytes.
    ///
    /// - Complexity: O(bytes); about 0.2 ns a byte.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        fingerprint = Fingerprint.of(bytes.rawSpan)
    }

    /// Creates a key by copying the bytes of a span.
    public init(copying span: RawSpan) {
        self.init([UInt8](copying: span))
    }

    /// Creates a key from the UTF-8 bytes of a text.
    public init(_ text: String) {
        self.init(Array(text.utf8))
    }

    /// The key as text; bytes that are not UTF-8 are repaired.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension StorageKey: Hashable {
    /// Whether two keys have the same bytes.
    public static func == (left: StorageKey, right: StorageKey) -> Bool {
        left.fingerprint == right.fingerprint && left.bytes == right.bytes
    }

    /// Feeds the fingerprint, and only it, to the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(fingerprint)
    }
}

extension StorageKey: CustomStringConvertible, ExpressibleByStringLiteral {
    /// The key as text.
    public var description: String { text }

    /// Creates a key from a literal's UTF-8 bytes.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}
