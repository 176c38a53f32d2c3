import RepriseCore
import RepriseWire
import Testing

@Suite struct LMShapeTests {
    @Test(arguments: [[7], [2, 3], [2, 3, 4], [2, 3, 4, 5], [0], [2, 0, 4], [2, 32, 0, 128]] as [[Int]])
    func `the current dialect carries one to four dimensions`(dimensions: [Int]) throws {
        let dialect = LMDialect.current
        for dtype in [DType.bfloat16, .float8E4M3FN, nil] {
            let metadata = try dialect.wireMetadata(dimensions: dimensions, dtype: dtype, format: .kvT2D)
            #expect(metadata.shape.padded == padded(dimensions))
            #expect(try dialect.shape(of: metadata).dimensions == dimensions)
            #expect(metadata.dtype == dtype)
        }
    }

    @Test func `a zero in the last of four dimensions is taken for padding`() throws {
        let metadata = try LMDialect.current.wireMetadata(
            dimensions: [2, 3, 4, 0],
            dtype: .uint8,
            format: .kvT2D
        )
        #expect(try LMDialect.current.shape(of: metadata).dimensions == [2, 3, 4])
    }

    @Test(arguments: [MemoryFormat.binary, .binaryBuffer], [LMDialect.seed, .current])
    func `a binary shape keeps its zeros`(format: MemoryFormat, dialect: LMDialect) throws {
        let metadata = try dialect.wireMetadata(dimensions: [99, 0, 0, 0], dtype: nil, format: format)
        #expect(try dialect.shape(of: metadata).dimensions == [99, 0, 0, 0])
        #expect(metadata.dtypeCode == 0)
    }

    @Test(arguments: [[], [7], [2, 3], [2, 3, 4], [1, 2, 3, 4, 5]] as [[Int]])
    func `the seed dialect carries four dimensions only`(dimensions: [Int]) {
        #expect(
            errorCode { () throws(WireError) in _ = try LMDialect.seed.wireShape(dimensions) } == .badShape
        )
    }

    @Test func `the seed dialect keeps zeros`() throws {
        let metadata = try LMDialect.seed.wireMetadata(
            dimensions: [2, 3, 4, 0],
            dtype: .uint8,
            format: .kv2LTD
        )
        #expect(try LMDialect.seed.shape(of: metadata).dimensions == [2, 3, 4, 0])
    }

    @Test(arguments: LMDialect.allCases) func `no dialect carries five dimensions or none`(dialect: LMDialect)
    {
        for dimensions in [[1, 2, 3, 4, 5], []] {
            #expect(errorCode { () throws(WireError) in _ = try dialect.wireShape(dimensions) } == .badShape)
        }
    }

    @Test(arguments: [-1, 1 << 31, Int.min]) func `a dimension has 31 bits`(dimension: Int) {
        let dimensions = [1, 2, 3, dimension]
        #expect(
            errorCode { () throws(WireError) in _ = try LMDialect.current.wireShape(dimensions) } == .badShape
        )
    }

    @Test func `a negative dimension from the wire is refused`() {
        let shape = TensorShape(verbatim: [1, -2, 3, 4])
        let metadata = MemoryObjectMetadata(verbatimFormat: 1, dtype: 2, shape: shape, origin: .lm)
        #expect(
            errorCode { () throws(WireError) in _ = try LMDialect.current.shape(of: metadata) } == .badShape
        )
    }

    @Test(arguments: DType.allCases) func `only LMCache's element types have a number`(dtype: DType) {
        let code = errorCode { () throws(WireError) in
            _ = try LMDialect.current.wireMetadata(dimensions: [1], dtype: dtype, format: .binary)
        }
        #expect(code == (dtype.rawValue <= 8 ? nil : .badMetadata))
    }

    private func padded(_ dimensions: [Int]) -> SIMD4<Int32> {
        var words = SIMD4<Int32>.zero
        for (index, dimension) in dimensions.enumerated() { words[index] = Int32(dimension) }
        return words
    }
}
