public import RepriseCore

/// Keeps tensors in eight bits an element, with a scale for each head of each block: half of the bytes, and
/// not the same values.
///
/// The error of an element is at most a sixteenth of it, or 2^-10 of its head's scale if that is more, beside
/// the rounding to the element type. Values that are no tensors of 16 or 32 bits, or whose rows are not whole
/// heads, are kept as they are. What is kept has a checksum.
///
/// - Source: Micikevicius et al., "FP8 Formats for Deep Learning", 2022.
public struct FP8Serde: Serde {
    /// Elements of one head, a multiple of 16.
    public let headElementCount: Int

    private static let magic: UInt64 = 0x3138_5046_5352_5052
    private static let headerByteCount = 64
    private static let checksumOffset = 48
    private static let scaleByteCount = 4

    /// - Precondition: the count is a positive multiple of 16.
    public init(headElementCount: Int) {
        precondition(
            headElementCount > 0 && headElementCount.isMultiple(of: FP8Kernels.laneCount),
            "heads have a multiple of \(FP8Kernels.laneCount) elements"
        )
        self.headElementCount = headElementCount
    }

    /// The codes and scales of a tensor, with what it takes to turn them back; other values as they are.
    public func serialize(_ object: MemoryObject, _ allocate: RemoteAllocation) -> MemoryObject? {
        let metadata = object.metadata
        guard let cut = FP8Cut(metadata, headElementCount: headElementCount),
            metadata.tensorByteCount == object.byteCount, Self.byteCount(of: cut) <= Int(Int32.max),
            [.float16, .bfloat16, .float32].contains(metadata.dtype)
        else {
            guard !Self.isEncoded(object) else { return nil }
            object.retain()
            return object
        }
        let byteCount = Self.byteCount(of: cut)
        let described = MemoryObjectMetadata(shape: [byteCount], dtype: .uint8, format: .binary)
        guard let encoded = allocate(byteCount, described) else { return nil }
        let codesOffset = Self.headerByteCount + Self.scaleByteCount * cut.scaleCount
        var scales: [UInt8] = []
        for scale in cut.encode(object, into: encoded, at: codesOffset) {
            scales.append(littleEndian: scale.bitPattern)
        }
        encoded.copy(from: scales.rawSpan, at: Self.headerByteCount)
        encoded.copy(from: header(metadata, object.byteCount).rawSpan)
        var checksum: [UInt8] = []
        checksum.append(littleEndian: Self.checksum(of: encoded.bytes))
        encoded.copy(from: checksum.rawSpan, at: Self.checksumOffset)
        return encoded
    }

    /// The tensor that codes and scales stand for; values that were kept as they were.
    public func deserialize(_ object: MemoryObject, _ allocate: RemoteAllocation) -> MemoryObject? {
        guard Self.isEncoded(object) else {
            object.retain()
            return object
        }
        let bytes = object.bytes
        let metadata = Self.metadata(of: bytes)
        let headElementCount = Int(bytes.loadLittleEndian(at: 8, as: UInt32.self))
        let valueByteCount = bytes.loadLittleEndian(at: 40, as: UInt64.self)
        let checksum = bytes.loadLittleEndian(at: Self.checksumOffset, as: UInt32.self)
        guard let cut = FP8Cut(metadata, headElementCount: headElementCount),
            // First, so that no sum of sizes from outside overflows.
            cut.elementCount <= bytes.byteCount, Self.byteCount(of: cut) == bytes.byteCount,
            let tensorByteCount = metadata.tensorByteCount,
            UInt64(tensorByteCount) == valueByteCount,
            [.float16, .bfloat16, .float32].contains(metadata.dtype),
            Self.checksum(of: bytes) == checksum,
            let value = allocate(tensorByteCount, metadata)
        else { return nil }
        let scales = (0..<cut.scaleCount).map { index in
            let offset = Self.headerByteCount + Self.scaleByteCount * index
            return Float(bitPattern: bytes.loadLittleEndian(at: offset, as: UInt32.self))
        }
        let codesOffset = Self.headerByteCount + Self.scaleByteCount * cut.scaleCount
        cut.decode(object, at: codesOffset, scales, into: value)
        return value
    }

    private static func byteCount(of cut: FP8Cut) -> Int {
        headerByteCount + scaleByteCount * cut.scaleCount + cut.elementCount
    }

    private static func isEncoded(_ object: MemoryObject) -> Bool {
        object.metadata.format == .binary && object.byteCount >= headerByteCount
            && object.bytes.loadLittleEndian(at: 0, as: UInt64.self) == magic
    }

    private func header(_ metadata: MemoryObjectMetadata, _ byteCount: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: Self.magic)
        bytes.append(littleEndian: UInt32(headElementCount))
        bytes += [UInt8(metadata.shape.dimensionCount), metadata.origin.rawValue, 0, 0]
        bytes.append(littleEndian: metadata.formatCode)
        bytes.append(littleEndian: metadata.dtypeCode)
        for index in 0..<4 { bytes.append(littleEndian: metadata.shape.padded[index]) }
        bytes.append(littleEndian: UInt64(byteCount))
        bytes += [UInt8](repeating: 0, count: Self.headerByteCount - bytes.count)
        return bytes
    }

    /// The checksum of everything but itself and what behind it is not used.
    private static func checksum(of bytes: RawSpan) -> UInt32 {
        let header = CRC32C.of(bytes.extracting(0..<checksumOffset))
        return CRC32C.of(bytes.extracting(droppingFirst: headerByteCount), continuing: header)
    }

    private static func metadata(of bytes: RawSpan) -> MemoryObjectMetadata {
        var shape = SIMD4<Int32>()
        for index in 0..<4 { shape[index] = bytes.loadLittleEndian(at: 24 + 4 * index, as: Int32.self) }
        return MemoryObjectMetadata(
            verbatimFormat: bytes.loadLittleEndian(at: 16, as: Int32.self),
            dtype: bytes.loadLittleEndian(at: 20, as: Int32.self),
            shape: TensorShape(verbatim: shape, dimensionCount: min(4, Int(bytes.loadByte(at: 12)))),
            origin: MemoryObjectMetadata.Origin(rawValue: bytes.loadByte(at: 13)) ?? .library
        )
    }
}
