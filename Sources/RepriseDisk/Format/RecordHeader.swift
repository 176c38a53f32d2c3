package import RepriseCore

/// The page in front of a value on a disk, by which the record proves itself.
///
/// Layout in docs/DISK_FORMAT.md § 3.
package struct RecordHeader: Hashable, Sendable {
    /// The disk that it was written for.
    package var identity: DiskIdentity
    /// The place that it was written for: a page of the data file.
    package var startUnit: UInt32
    package var sequence: RecordSequence
    package var key: [UInt8]
    package var metadata: MemoryObjectMetadata
    package var payloadByteCount: Int
    /// When the value expires, in milliseconds since 1970; `nil` for never.
    package var deadline: Int64?
    /// CRC32C of the value.
    package var payloadChecksum: UInt32

    /// "RPRSREC1", as it is read little-endian.
    static let magic: UInt64 = 0x3143_4552_5352_5052
    /// "RPRSTOMB": what was here is withdrawn.
    static let tombstoneMagic: UInt64 = 0x424D_4F54_5352_5052
    static let version: UInt16 = 1
    /// Bytes in front of the key.
    private static let fixedByteCount = 88
    /// The longest key that fits in the page, between the fixed fields and the checksum.
    package static let keyByteCountMax = AllocationUnit.byteCount - fixedByteCount - 4

    /// Creates a header from its fields.
    package init(
        identity: DiskIdentity,
        startUnit: UInt32,
        sequence: RecordSequence,
        key: [UInt8],
        metadata: MemoryObjectMetadata,
        payloadByteCount: Int,
        deadline: Int64?,
        payloadChecksum: UInt32
    ) {
        self.identity = identity
        self.startUnit = startUnit
        self.sequence = sequence
        self.key = key
        self.metadata = metadata
        self.payloadByteCount = payloadByteCount
        self.deadline = deadline
        self.payloadChecksum = payloadChecksum
    }

    /// Units of a record whose value has so many bytes; `nil` when there are too many.
    package static func unitCount(payloadByteCount: Int) -> UInt32? {
        guard let payload = AllocationUnit.count(forByteCount: payloadByteCount) else { return nil }
        let (count, overflow) = payload.addingReportingOverflow(1)
        return overflow ? nil : count
    }

    /// The page.
    ///
    /// - Precondition: the key is no longer than ``keyByteCountMax``.
    package var encoded: [UInt8] {
        precondition(key.count <= Self.keyByteCountMax, "the key does not fit in the header")
        var fields = FieldWriter()
        fields.append(Self.magic)
        fields.append(Self.version)
        fields.append(metadata.origin.rawValue)
        fields.append(UInt8(metadata.shape.dimensionCount))
        fields.append(startUnit)
        fields.append(identity.rawValue)
        fields.append(sequence.rawValue)
        fields.append(UInt64(payloadByteCount))
        fields.append(deadline: deadline)
        fields.append(payloadChecksum)
        fields.append(metadata.formatCode)
        fields.append(metadata.dtypeCode)
        for index in 0..<4 { fields.append(metadata.shape.padded[index]) }
        fields.append(UInt32(key.count))
        fields.append(UInt64(0))
        precondition(fields.bytes.count == Self.fixedByteCount, "the fixed fields have a fixed length")
        fields.append(key)
        fields.finishPage(seed: identity.checksumSeed)
        return fields.bytes
    }

    /// The page that stands where a record was withdrawn.
    package static let tombstone: [UInt8] = {
        var fields = FieldWriter()
        fields.append(tombstoneMagic)
        fields.finishPage(seed: 0)
        return fields.bytes
    }()

    /// Reads a page of the data file.
    ///
    /// - Parameter startUnit: Where it was read.
    /// - Throws: Why it is no header of a record that was written there.
    package static func decode(
        _ page: RawSpan,
        identity: DiskIdentity,
        startUnit: UInt32
    ) throws(RecordFault) -> RecordHeader {
        guard page.byteCount == AllocationUnit.byteCount else { throw .shortRead }
        let magic = page.loadLittleEndian(at: 0, as: UInt64.self)
        guard magic != tombstoneMagic else { throw .tombstone }
        guard magic == Self.magic else { throw .notARecord }
        guard page.isProvenPage(seed: identity.checksumSeed) else { throw .checksum }
        guard page.loadLittleEndian(at: 8, as: UInt16.self) == version else { throw .version }
        let header = try fields(of: page)
        guard header.identity == identity else { throw .checksum }
        guard header.startUnit == startUnit else { throw .offset }
        return header
    }

    private static func fields(of page: RawSpan) throws(RecordFault) -> RecordHeader {
        var reader = FieldReader(page.extracting(droppingFirst: 10))
        guard let origin = reader.next(UInt8.self).flatMap(MemoryObjectMetadata.Origin.init(rawValue:)),
            let dimensionCount = reader.next(UInt8.self), dimensionCount <= 4,
            let startUnit = reader.next(UInt32.self), let identity = reader.next(UInt64.self),
            let sequence = reader.next(UInt64.self), let payloadByteCount = reader.next(UInt64.self),
            let deadline = reader.nextDeadline(), let payloadChecksum = reader.next(UInt32.self),
            let formatCode = reader.next(Int32.self), let dtypeCode = reader.next(Int32.self)
        else { throw .notARecord }
        var shape = SIMD4<Int32>()
        for index in 0..<4 { shape[index] = reader.next(Int32.self) ?? 0 }
        guard let keyByteCount = reader.next(UInt32.self), keyByteCount <= keyByteCountMax,
            reader.next(UInt64.self) != nil, let key = reader.next(byteCount: Int(keyByteCount)),
            let payloadByteCount = Int(exactly: payloadByteCount)
        else { throw .notARecord }
        return RecordHeader(
            identity: DiskIdentity(rawValue: identity),
            startUnit: startUnit,
            sequence: RecordSequence(rawValue: sequence),
            key: key,
            metadata: MemoryObjectMetadata(
                verbatimFormat: formatCode,
                dtype: dtypeCode,
                shape: TensorShape(verbatim: shape, dimensionCount: Int(dimensionCount)),
                origin: origin
            ),
            payloadByteCount: payloadByteCount,
            deadline: deadline,
            payloadChecksum: payloadChecksum
        )
    }

    /// What is wrong with the header for somebody who looks for this record, or `nil`.
    package func fault(key: [UInt8], sequence: RecordSequence, payloadByteCount: Int) -> RecordFault? {
        if self.key != key { return .key }
        if self.sequence != sequence { return .sequence }
        return self.payloadByteCount == payloadByteCount ? nil : .checksum
    }
}
