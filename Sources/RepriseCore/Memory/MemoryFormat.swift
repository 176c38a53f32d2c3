/// How the bytes of a ``MemoryObject`` are laid out (T tokens, L layers, D = heads × head size).
///
/// Raw values are those of LMCache 0.5.6. Older versions numbered some layouts differently, so a number that
/// came over the wire is kept and echoed verbatim (``MemoryObjectMetadata/formatCode``).
///
/// - Source: LMCache `lmcache/v1/memory_management.py`.
public enum MemoryFormat: Int32, CaseIterable, Hashable, Sendable {
    /// No layout.
    case undefined = 0
    /// `[2, L, T, D]`: all layers of one chunk, keys then values. "KV_BLOB" in the first versions.
    case kv2LTD = 1
    /// `[T, 2, D]`: one layer.
    case kvT2D = 2
    /// `[2, T, D]`: one layer, for blending.
    case kv2TD = 3
    /// Compressed bytes in a `uint8` tensor.
    case binary = 4
    /// Plain bytes, shape `[n, 0, 0, 0]`, no element type.
    case binaryBuffer = 5
    /// `[1, L, T, D]`: multi-head latent attention.
    case kvMLA = 6
    /// `[T, D]`: encoder cache.
    case ecTD = 7
    /// `[T, D]`: hidden states.
    case hsTD = 8

    /// The dimension that counts tokens, or `nil` where there is none.
    public var tokenDimension: Int? {
        switch self {
        case .kv2LTD, .kvMLA: 2
        case .kv2TD: 1
        case .kvT2D, .ecTD, .hsTD: 0
        case .undefined, .binary, .binaryBuffer: nil
        }
    }

    /// Whether the bytes are opaque, so that shape and element type say nothing about their count.
    public var isBinary: Bool { self == .binary || self == .binaryBuffer }
}
