public import RepriseCore

extension MemoryObjectMetadata {
    /// What a header says that describes no value: format 1, element type 2, a shape of zeros.
    ///
    /// LMCache sends these numbers with every request but `put`, and with every reply without a payload.
    public static let lmEmpty = MemoryObjectMetadata(
        verbatimFormat: 1,
        dtype: 2,
        shape: TensorShape(verbatim: .zero),
        origin: .lm
    )

    /// What stands for the metadata that the oldest dialect does not carry.
    static func lmV0(payloadByteCount: Int) -> MemoryObjectMetadata {
        let shape = TensorShape(verbatim: [Int32(clamping: payloadByteCount), 0, 0, 0])
        return MemoryObjectMetadata(verbatimFormat: 1, dtype: 2, shape: shape, origin: .lmV0)
    }

    /// Reads a header's format, the element type behind it, and its shape.
    init(lmFormatAt formatOffset: Int, shapeAt shapeOffset: Int, of bytes: RawSpan) {
        var words = SIMD4<Int32>.zero
        for index in 0..<4 {
            words[index] = bytes.loadLittleEndian(at: shapeOffset + 4 * index, as: Int32.self)
        }
        self.init(
            verbatimFormat: bytes.loadLittleEndian(at: formatOffset, as: Int32.self),
            dtype: bytes.loadLittleEndian(at: formatOffset + 4, as: Int32.self),
            shape: TensorShape(verbatim: words),
            origin: .lm
        )
    }

    /// The shape's four numbers as they go over the wire, 0 for those it does not have.
    var lmShapeWords: SIMD4<Int32> {
        let shape = shape
        var words = shape.padded
        for index in shape.dimensionCount..<4 { words[index] = 0 }
        return words
    }

    /// Whether a payload of so many bytes fits what is said of it.
    ///
    /// - Source: docs/WIRE_LM.md § 7.
    func allows(payloadByteCount: Int) -> Bool {
        guard origin != .lmV0, Self.isTensorFormat(formatCode), let dtype = DType(wireCode: dtypeCode) else {
            return true
        }
        let words = lmShapeWords
        // A tensor without elements has no bytes, wherever its zero is: also at its end, where it reads as
        // padding.
        if payloadByteCount == 0, words[0] == 0 || words[1] == 0 || words[2] == 0 || words[3] == 0 {
            return true
        }
        let shape = TensorShape(verbatim: words, dimensionCount: Self.strippedDimensionCount(words))
        guard let elementCount = shape.elementCount else { return false }
        let (byteCount, overflow) = elementCount.multipliedReportingOverflow(by: dtype.byteCount)
        return !overflow && byteCount == payloadByteCount
    }

    /// How many dimensions are left without the zeros behind; at least one.
    static func strippedDimensionCount(_ words: SIMD4<Int32>) -> Int {
        var count = 4
        while count > 1, words[count - 1] == 0 { count -= 1 }
        return count
    }

    /// Whether a format's number means a tensor in every version that has the number.
    ///
    /// Numbers 2 to 5 are tensors in some versions and binary in others; the header does not say which.
    private static func isTensorFormat(_ code: Int32) -> Bool {
        code == MemoryFormat.kv2LTD.rawValue || (MemoryFormat.kvMLA.rawValue...8).contains(code)
    }
}
