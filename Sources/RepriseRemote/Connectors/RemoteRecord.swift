public import RepriseCore
internal import RepriseWire

/// What stands before a value in a store that knows only bytes, so that the value proves itself.
///
/// A record is this header, the value, and a checksum of both. Layout in docs/REMOTE.md § 3.
public struct RemoteRecord: Hashable, Sendable {
    /// The key that the value was stored under.
    public var key: [UInt8]
    /// Format, element type and shape.
    public var metadata: MemoryObjectMetadata
    /// Bytes of the value.
    public var payloadByteCount: Int

    /// "RPRSREM1", as it is read little-endian.
    static let magic: UInt64 = 0x314D_4552_5352_5052
    static let version: UInt16 = 1
    /// Bytes in front of the key.
    public static let fixedByteCount = 56
    /// Bytes behind the value: the CRC32C of the header and the value.
    public static let trailerByteCount = 4
    private static let headerChecksumByteCount = 4

    /// Describes a value.
    public init(key: [UInt8], metadata: MemoryObjectMetadata, payloadByteCount: Int) {
        self.key = key
        self.metadata = metadata
        self.payloadByteCount = payloadByteCount
    }

    /// Bytes of the header of a record whose key has so many.
    public static func headerByteCount(keyByteCount: Int) -> Int {
        fixedByteCount + keyByteCount + headerChecksumByteCount
    }

    /// Bytes of the whole record.
    public var byteCount: Int {
        Self.headerByteCount(keyByteCount: key.count) + payloadByteCount + Self.trailerByteCount
    }

    /// The header's bytes.
    public var encodedHeader: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerByteCount(keyByteCount: key.count))
        bytes.append(littleEndian: Self.magic)
        bytes.append(littleEndian: Self.version)
        bytes.append(metadata.origin.rawValue)
        bytes.append(UInt8(metadata.shape.dimensionCount))
        bytes.append(littleEndian: UInt32(clamping: key.count))
        bytes.append(littleEndian: UInt64(payloadByteCount))
        bytes.append(littleEndian: metadata.formatCode)
        bytes.append(littleEndian: metadata.dtypeCode)
        for index in 0..<4 { bytes.append(littleEndian: metadata.shape.padded[index]) }
        bytes.append(littleEndian: UInt64(0))
        bytes += key
        bytes.append(littleEndian: CRC32C.of(bytes.rawSpan))
        return bytes
    }

    /// How long the key of a record is, by the first ``fixedByteCount`` bytes of it.
    ///
    /// - Returns: `nil` when they are not the start of a record of `recordByteCount` bytes.
    static func keyByteCount(of fixed: RawSpan, recordByteCount: Int) -> Int? {
        guard fixed.byteCount >= fixedByteCount,
            fixed.loadLittleEndian(at: 0, as: UInt64.self) == magic,
            fixed.loadLittleEndian(at: 8, as: UInt16.self) == version
        else { return nil }
        let keyByteCount = Int(fixed.loadLittleEndian(at: 12, as: UInt32.self))
        let payloadByteCount = fixed.loadLittleEndian(at: 16, as: UInt64.self)
        let rest = recordByteCount - headerByteCount(keyByteCount: keyByteCount) - trailerByteCount
        return rest >= 0 && payloadByteCount == UInt64(rest) ? keyByteCount : nil
    }

    /// Reads a whole header.
    ///
    /// - Parameter recordByteCount: Bytes of the record that the header is the start of.
    /// - Returns: `nil` when it is none, or does not prove itself.
    public static func decode(_ header: RawSpan, recordByteCount: Int) -> RemoteRecord? {
        guard let keyByteCount = keyByteCount(of: header, recordByteCount: recordByteCount),
            header.byteCount == headerByteCount(keyByteCount: keyByteCount)
        else { return nil }
        let proven = header.extracting(0..<(fixedByteCount + keyByteCount))
        let checksum = header.loadLittleEndian(at: proven.byteCount, as: UInt32.self)
        guard CRC32C.of(proven) == checksum, header.loadByte(at: 11) <= 4,
            let origin = MemoryObjectMetadata.Origin(rawValue: header.loadByte(at: 10))
        else { return nil }
        var shape = SIMD4<Int32>()
        for index in 0..<4 { shape[index] = header.loadLittleEndian(at: 32 + 4 * index, as: Int32.self) }
        return RemoteRecord(
            key: [UInt8](copying: header.extracting(fixedByteCount..<proven.byteCount)),
            metadata: MemoryObjectMetadata(
                verbatimFormat: header.loadLittleEndian(at: 24, as: Int32.self),
                dtype: header.loadLittleEndian(at: 28, as: Int32.self),
                shape: TensorShape(verbatim: shape, dimensionCount: Int(header.loadByte(at: 11))),
                origin: origin
            ),
            payloadByteCount: Int(header.loadLittleEndian(at: 16, as: UInt64.self))
        )
    }
}

extension [UInt8] {
    /// Appends an integer's bytes, lowest first.
    internal mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
    }
}
