public import RepriseCore

/// The header that LMCache keeps in front of, or beside, a payload in stores that know only bytes.
///
/// Not a message of `lm://`, but the same numbers: length and format, then for each group of layers its
/// element type and four dimensions. How many groups there are is not among them: writer and reader must
/// agree.
///
/// - Source: docs/WIRE_LM.md § 8.
public struct RemoteMetadata: Hashable, Sendable {
    /// Layers whose keys and values have one shape.
    public struct Group: Hashable, Sendable {
        /// The element type, or `nil` for none.
        public let dtype: DType?
        /// The shape, without padding.
        public let shape: TensorShape

        /// Creates a group.
        public init(dtype: DType?, shape: TensorShape) {
            self.dtype = dtype
            self.shape = shape
        }
    }

    /// The most groups that can be written or read.
    public static let groupCountMax = 64

    /// The payload's bytes.
    public let payloadByteCount: Int
    /// The payload's layout.
    public let format: MemoryFormat
    /// The groups, in the order of their bytes.
    public let groups: [Group]

    /// Creates metadata.
    public init(payloadByteCount: Int, format: MemoryFormat, groups: [Group]) {
        self.payloadByteCount = payloadByteCount
        self.format = format
        self.groups = groups
    }

    /// The bytes that so many groups take: 28 for one, 20 more for each further one.
    public static func byteCount(groupCount: Int) -> Int { 8 + 20 * groupCount }

    /// The metadata's bytes; shapes are padded to four dimensions with zeros behind.
    ///
    /// - Throws: ``WireError`` — `badLength` if the payload's length is not from 0 to 2^31 − 1; `badMetadata`
    ///   if there are no groups, more than ``groupCountMax``, or an element type has no number; `badShape` if
    ///   a shape has no dimensions.
    public func encoded() throws(WireError) -> [UInt8] {
        guard let length = Int32(exactly: payloadByteCount), length >= 0 else {
            throw WireError(.badLength, "a payload of \(payloadByteCount) bytes; the field has 31 bits")
        }
        try Self.check(groupCount: groups.count)
        var words = [length, format.rawValue]
        for group in groups {
            let metadata = try LMDialect.current.wireMetadata(
                dimensions: group.shape.dimensions,
                dtype: group.dtype,
                format: format
            )
            words.append(metadata.dtypeCode)
            for index in 0..<4 { words.append(metadata.lmShapeWords[index]) }
        }
        return [UInt8](byteCount: 4 * words.count) { bytes in
            for (index, word) in words.enumerated() { bytes.storeLittleEndian(word, at: 4 * index) }
        }
    }

    /// Reads the metadata at the start of `bytes`, which may go on behind it.
    ///
    /// - Throws: ``WireError`` — `tooShort`; `badLength` if the length is negative; `badMetadata` if the
    ///   format or an element type is unknown, or `groupCount` is not from 1 to ``groupCountMax``; `badShape`
    ///   if a dimension is negative.
    public static func decode(_ bytes: RawSpan, groupCount: Int = 1) throws(WireError) -> RemoteMetadata {
        try check(groupCount: groupCount)
        let needed = byteCount(groupCount: groupCount)
        guard bytes.byteCount >= needed else {
            throw WireError(
                .tooShort,
                "\(bytes.byteCount) bytes of metadata; \(groupCount) groups take \(needed)"
            )
        }
        let length = bytes.loadLittleEndian(at: 0, as: Int32.self)
        guard length >= 0 else { throw WireError(.badLength, "metadata with a length of \(length)") }
        let formatCode = bytes.loadLittleEndian(at: 4, as: Int32.self)
        guard let format = MemoryFormat(rawValue: formatCode) else {
            throw WireError(.badMetadata, "metadata with the unknown format \(formatCode)")
        }
        var groups: [Group] = []
        groups.reserveCapacity(groupCount)
        for index in 0..<groupCount {
            groups.append(try Group(of: bytes, at: byteCount(groupCount: index), format: format))
        }
        return RemoteMetadata(payloadByteCount: Int(length), format: format, groups: groups)
    }

    private static func check(groupCount: Int) throws(WireError) {
        guard groupCount >= 1, groupCount <= groupCountMax else {
            throw WireError(
                .badMetadata,
                "\(groupCount) groups of layers; 1 to \(groupCountMax) are possible"
            )
        }
    }
}

extension RemoteMetadata.Group {
    fileprivate init(of bytes: RawSpan, at offset: Int, format: MemoryFormat) throws(WireError) {
        let dtypeCode = bytes.loadLittleEndian(at: offset, as: Int32.self)
        guard dtypeCode == 0 || DType(wireCode: dtypeCode) != nil else {
            throw WireError(.badMetadata, "metadata with the unknown element type \(dtypeCode)")
        }
        var words = SIMD4<Int32>.zero
        for index in 0..<4 {
            words[index] = bytes.loadLittleEndian(at: offset + 4 + 4 * index, as: Int32.self)
        }
        self.init(
            dtype: DType(wireCode: dtypeCode),
            shape: try TensorShape(lmWords: words, isStripped: !format.isBinary)
        )
    }
}
