/// What is known of a value beside its bytes, stored and echoed verbatim.
public struct MemoryObjectMetadata: Hashable, Sendable {
    /// Where a value's metadata came from; decides who can be given it back.
    public enum Origin: UInt8, Hashable, Sendable {
        /// Made in this process, through the library.
        case library
        /// Sent over `lm://` with format, element type and shape.
        case lm
        /// Sent over the oldest `lm://` dialect, which carries no metadata.
        case lmV0
        /// Plain bytes without any.
        case plain
    }

    /// The layout's number as it came; see ``format``.
    public let formatCode: Int32
    /// The element type's number as it came, 0 for none; see ``dtype``.
    public let dtypeCode: Int32
    private let shapeWords: (Int32, Int32, Int32, Int32)
    private let dimensionCount: UInt8
    /// Where the metadata came from.
    public let origin: Origin

    /// Creates metadata from typed parts.
    public init(shape: TensorShape, dtype: DType?, format: MemoryFormat) {
        self.init(
            verbatimFormat: format.rawValue,
            dtype: dtype?.rawValue ?? 0,
            shape: shape,
            origin: .library
        )
    }

    /// Creates metadata from numbers as they came over a wire.
    public init(verbatimFormat formatCode: Int32, dtype dtypeCode: Int32, shape: TensorShape, origin: Origin)
    {
        self.formatCode = formatCode
        self.dtypeCode = dtypeCode
        shapeWords = (shape.padded[0], shape.padded[1], shape.padded[2], shape.padded[3])
        dimensionCount = UInt8(shape.dimensionCount)
        self.origin = origin
    }

    /// Metadata for `byteCount` plain bytes.
    public static func plain(byteCount: Int) -> MemoryObjectMetadata {
        MemoryObjectMetadata(
            verbatimFormat: MemoryFormat.binaryBuffer.rawValue,
            dtype: 0,
            shape: TensorShape(verbatim: [Int32(clamping: byteCount), 0, 0, 0]),
            origin: .plain
        )
    }

    /// The shape.
    public var shape: TensorShape {
        TensorShape(
            verbatim: [shapeWords.0, shapeWords.1, shapeWords.2, shapeWords.3],
            dimensionCount: Int(dimensionCount)
        )
    }

    /// The layout in 0.5.6's numbering, or `nil` for a number it does not have.
    public var format: MemoryFormat? { MemoryFormat(rawValue: formatCode) }

    /// The element type, or `nil` for none or an unknown number.
    public var dtype: DType? { DType(rawValue: dtypeCode) ?? DType(wireCode: dtypeCode) }

    /// The bytes that shape and element type ask for: 0 without an element type, `nil` when they overflow.
    public var tensorByteCount: Int? {
        guard let dtype else { return 0 }
        guard let elementCount = shape.elementCount else { return nil }
        let (byteCount, overflow) = elementCount.multipliedReportingOverflow(by: dtype.byteCount)
        return overflow ? nil : byteCount
    }

    /// Whether two values have the same metadata.
    public static func == (left: MemoryObjectMetadata, right: MemoryObjectMetadata) -> Bool {
        left.formatCode == right.formatCode && left.dtypeCode == right.dtypeCode && left.shape == right.shape
            && left.origin == right.origin
    }

    /// Feeds every field to the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(formatCode)
        hasher.combine(dtypeCode)
        hasher.combine(shape)
        hasher.combine(origin)
    }
}
