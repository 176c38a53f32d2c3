public import RepriseCore

extension LMDialect {
    /// What a client says in a header of a value's layout, element type and dimensions.
    ///
    /// - Throws: ``WireError`` — `badMetadata` if the wire has no number for the element type, else as
    ///   ``wireShape(_:)``.
    public func wireMetadata(
        dimensions: [Int],
        dtype: DType?,
        format: MemoryFormat
    ) throws(WireError) -> MemoryObjectMetadata {
        let shape = try wireShape(dimensions)
        var dtypeCode: Int32 = 0
        if let dtype {
            guard let code = dtype.wireCode else {
                throw WireError(.badMetadata, "lm:// has no number for \(dtype); send it as uint8 or binary")
            }
            dtypeCode = code
        }
        return MemoryObjectMetadata(
            verbatimFormat: format.rawValue,
            dtype: dtypeCode,
            shape: shape,
            origin: self == .v0 ? .lmV0 : .lm
        )
    }

    /// The four numbers that stand for a shape in a header.
    ///
    /// The newest dialect pads one to four dimensions with zeros behind; the one before it carries exactly
    /// four, which its clients insist on; the oldest carries no shape, and zeros stand for any.
    ///
    /// - Throws: ``WireError`` — `badShape` for another number of dimensions, or one that is negative or over
    ///   2^31 − 1.
    public func wireShape(_ dimensions: [Int]) throws(WireError) -> TensorShape {
        let counts = self == .seed ? 4...4 : 1...4
        guard counts.contains(dimensions.count) else {
            throw WireError(
                .badShape,
                "\(dimensions.count) dimensions; this dialect of lm:// carries \(counts)"
            )
        }
        guard dimensions.allSatisfy({ $0 >= 0 && $0 <= Int(Int32.max) }) else {
            throw WireError(.badShape, "the shape \(dimensions) has a dimension that 31 bits cannot carry")
        }
        var words = SIMD4<Int32>.zero
        guard self != .v0 else { return TensorShape(verbatim: words) }
        for (index, dimension) in dimensions.enumerated() { words[index] = Int32(dimension) }
        return TensorShape(verbatim: words)
    }

    /// The shape that a header's metadata means to this dialect's clients.
    ///
    /// The newest strips zeros behind, down to one dimension, but for binary formats; so a tensor of four
    /// dimensions whose last is 0 comes back with fewer. The others take all four numbers.
    ///
    /// - Throws: ``WireError`` — `badShape` if a dimension is negative.
    public func shape(of metadata: MemoryObjectMetadata) throws(WireError) -> TensorShape {
        let words = metadata.lmShapeWords
        let isStripped = self == .current && metadata.format?.isBinary != true
        return try TensorShape(lmWords: words, isStripped: isStripped)
    }
}

extension TensorShape {
    /// The shape that four numbers from a wire mean.
    init(lmWords words: SIMD4<Int32>, isStripped: Bool) throws(WireError) {
        guard words.min() >= 0 else {
            throw WireError(.badShape, "the shape \(TensorShape(verbatim: words)) has a negative dimension")
        }
        let count = isStripped ? MemoryObjectMetadata.strippedDimensionCount(words) : 4
        self.init(verbatim: words, dimensionCount: count)
    }
}
