internal import RepriseCore

/// The first page of a snapshot, written last: where it proves itself the snapshot is whole.
package struct SnapshotHeader: Hashable, Sendable {
    package var identity: DiskIdentity
    /// It holds what was before the journal of this number.
    package var number: UInt64
    package var openCount: UInt32
    package var recordCount: UInt64
    /// Bytes behind this page.
    package var contentByteCount: UInt64
    /// The highest sequence that had been given.
    package var sequence: RecordSequence
    package var floor: RecordSequence
    /// Whether it was written when the disk was closed.
    package var isClean: Bool

    /// "RPRSSNAP", as it is read little-endian.
    static let magic: UInt64 = 0x5041_4E53_5352_5052
    static let version: UInt16 = 1

    /// The page.
    package var encoded: [UInt8] {
        var fields = FieldWriter()
        fields.append(Self.magic)
        fields.append(Self.version)
        fields.append(UInt16(isClean ? 1 : 0))
        fields.append(openCount)
        fields.append(identity.rawValue)
        fields.append(number)
        fields.append(recordCount)
        fields.append(contentByteCount)
        fields.append(sequence.rawValue)
        fields.append(floor.rawValue)
        fields.finishPage(seed: identity.checksumSeed)
        return fields.bytes
    }

    /// Reads a page; `nil` when it is not the header of a snapshot of this disk.
    package static func decode(_ page: RawSpan, identity: DiskIdentity) -> SnapshotHeader? {
        guard page.isProvenPage(seed: identity.checksumSeed),
            page.loadLittleEndian(at: 0, as: UInt64.self) == magic,
            page.loadLittleEndian(at: 8, as: UInt16.self) == version,
            page.loadLittleEndian(at: 16, as: UInt64.self) == identity.rawValue
        else { return nil }
        return SnapshotHeader(
            identity: identity,
            number: page.loadLittleEndian(at: 24, as: UInt64.self),
            openCount: page.loadLittleEndian(at: 12, as: UInt32.self),
            recordCount: page.loadLittleEndian(at: 32, as: UInt64.self),
            contentByteCount: page.loadLittleEndian(at: 40, as: UInt64.self),
            sequence: RecordSequence(rawValue: page.loadLittleEndian(at: 48, as: UInt64.self)),
            floor: RecordSequence(rawValue: page.loadLittleEndian(at: 56, as: UInt64.self)),
            isClean: page.loadLittleEndian(at: 10, as: UInt16.self) & 1 == 1
        )
    }
}

/// Makes a snapshot's blocks, one behind the other.
package struct SnapshotWriter {
    private let identity: DiskIdentity
    private let number: UInt64
    private var fields = FieldWriter(reserving: 0)
    private var blockIndex: UInt32 = 0
    private var offset = AllocationUnit.byteCount
    private var recordCount: UInt64 = 0
    private var blocks: [(offset: Int, bytes: [UInt8])] = []

    /// A block is ended once it has more bytes of records than this.
    static let blockByteCount = 60 << 10
    /// Record bytes, checksum, and the block's number.
    static let headerByteCount = 12

    /// Creates a writer of a snapshot's blocks.
    package init(identity: DiskIdentity, number: UInt64) {
        self.identity = identity
        self.number = number
    }

    /// Bytes of records for which a file surely has room.
    package static func recordByteCountMax(fileByteCount: Int) -> Int {
        let content = fileByteCount - AllocationUnit.byteCount
        let blockCount = content / blockByteCount + 1
        return max(0, content - blockCount * headerByteCount)
    }

    /// Adds a record.
    package mutating func append(_ record: IndexedRecord) {
        record.append(to: &fields)
        recordCount += 1
        if fields.bytes.count > Self.blockByteCount { endBlock() }
    }

    /// The blocks that are complete, and where they go.
    package mutating func takeBlocks() -> [(offset: Int, bytes: [UInt8])] {
        defer { blocks = [] }
        return blocks
    }

    /// Ends the last block, which ``takeBlocks()`` then returns, and makes the header.
    package mutating func finish(
        openCount: UInt32,
        sequence: RecordSequence,
        floor: RecordSequence,
        isClean: Bool
    ) -> SnapshotHeader {
        endBlock()
        return SnapshotHeader(
            identity: identity,
            number: number,
            openCount: openCount,
            recordCount: recordCount,
            contentByteCount: UInt64(offset - AllocationUnit.byteCount),
            sequence: sequence,
            floor: floor,
            isClean: isClean
        )
    }

    private mutating func endBlock() {
        let records = fields.bytes
        guard !records.isEmpty else { return }
        var block = FieldWriter(reserving: Self.headerByteCount + records.count)
        block.append(UInt32(records.count))
        let seed = JournalBatch.seed(identity, number, Int(blockIndex))
        block.append(CRC32C.of(records.rawSpan, continuing: seed))
        block.append(blockIndex)
        block.append(records)
        blocks.append((offset, block.bytes))
        offset += block.bytes.count
        blockIndex += 1
        fields = FieldWriter(reserving: Self.blockByteCount)
    }
}

/// Reads the blocks of a snapshot back.
package struct SnapshotReader {
    /// Records read.
    package private(set) var recordCount = 0
    /// Blocks that did not prove themselves.
    package private(set) var damagedBlockCount = 0

    /// Creates a reader.
    package init() {}

    /// Hands over the records of a snapshot's content, least recently used first. A damaged block is left
    /// out; behind one whose length is not to be believed nothing is read.
    package mutating func read(
        _ content: RawSpan,
        header: SnapshotHeader,
        _ body: (IndexedRecord) -> Void
    ) {
        var offset = 0
        var index: UInt32 = 0
        while offset <= content.byteCount - SnapshotWriter.headerByteCount {
            let byteCount = Int(content.loadLittleEndian(at: offset, as: UInt32.self))
            let start = offset + SnapshotWriter.headerByteCount
            guard byteCount > 0, byteCount <= content.byteCount - start else { break }
            let records = content.extracting(start..<(start + byteCount))
            let seed = JournalBatch.seed(header.identity, header.number, Int(index))
            let checksum = content.loadLittleEndian(at: offset + 4, as: UInt32.self)
            if CRC32C.of(records, continuing: seed) == checksum {
                read(records, body)
            } else {
                // Without its number it is no block: the length of the one before led astray.
                guard content.loadLittleEndian(at: offset + 8, as: UInt32.self) == index else { break }
                damagedBlockCount += 1
            }
            offset = start + byteCount
            index += 1
        }
        if offset < content.byteCount { damagedBlockCount += 1 }
    }

    private mutating func read(_ records: RawSpan, _ body: (IndexedRecord) -> Void) {
        var reader = FieldReader(records)
        while let record = IndexedRecord(&reader) {
            recordCount += 1
            body(record)
        }
    }
}
