internal import RepriseCore

/// One change of a disk's index, as its journal keeps it.
package enum JournalRecord: Hashable, Sendable {
    /// A record was written.
    case put(IndexedRecord)
    /// The record at this place is not to be believed any more.
    case remove(startUnit: UInt32, sequence: RecordSequence)
    /// The record at this place expires at another time.
    case expiry(startUnit: UInt32, sequence: RecordSequence, deadline: Int64?)
    /// Every record below this sequence is void.
    case floor(RecordSequence)
    /// A record is about to be written at this place: one that is found there, and of which no put tells, is
    /// not to be believed.
    case begin(startUnit: UInt32, sequence: RecordSequence)
    /// The header of a record that was removed is gone.
    case destroyed(startUnit: UInt32, sequence: RecordSequence)
}

/// The first page of a journal.
package struct JournalHeader: Hashable, Sendable {
    package var identity: DiskIdentity
    package var number: UInt64
    package var openCount: UInt32

    /// "RPRSJRNL", as it is read little-endian.
    static let magic: UInt64 = 0x4C4E_524A_5352_5052
    static let version: UInt16 = 1

    /// Creates a header from its fields.
    package init(identity: DiskIdentity, number: UInt64, openCount: UInt32) {
        self.identity = identity
        self.number = number
        self.openCount = openCount
    }

    /// The page.
    package var encoded: [UInt8] {
        var fields = FieldWriter()
        fields.append(Self.magic)
        fields.append(Self.version)
        fields.append(UInt16(0))
        fields.append(openCount)
        fields.append(identity.rawValue)
        fields.append(number)
        fields.finishPage(seed: identity.checksumSeed)
        return fields.bytes
    }

    /// Reads a page; `nil` when it is not the header of a journal of this disk.
    package static func decode(_ page: RawSpan, identity: DiskIdentity) -> JournalHeader? {
        guard page.isProvenPage(seed: identity.checksumSeed),
            page.loadLittleEndian(at: 0, as: UInt64.self) == magic,
            page.loadLittleEndian(at: 8, as: UInt16.self) == version,
            page.loadLittleEndian(at: 16, as: UInt64.self) == identity.rawValue
        else { return nil }
        return JournalHeader(
            identity: identity,
            number: page.loadLittleEndian(at: 24, as: UInt64.self),
            openCount: page.loadLittleEndian(at: 12, as: UInt32.self)
        )
    }
}

/// Records that are written to a journal together, and are there together or not at all.
package struct JournalBatch {
    private var fields = FieldWriter(reserving: headerByteCount)

    /// Byte count, open count, checksum, and four bytes that are zero.
    static let headerByteCount = 16

    /// Creates an empty batch.
    package init() { removeAll() }

    /// Bytes of the records so far.
    package var byteCount: Int { fields.bytes.count - Self.headerByteCount }

    /// Adds a record.
    package mutating func append(_ record: JournalRecord) {
        switch record {
        case .put(let record):
            fields.append(UInt8(1))
            record.append(to: &fields)
        case .remove(let startUnit, let sequence):
            fields.append(UInt8(2))
            fields.append(startUnit)
            fields.append(sequence.rawValue)
        case .expiry(let startUnit, let sequence, let deadline):
            fields.append(UInt8(3))
            fields.append(startUnit)
            fields.append(sequence.rawValue)
            fields.append(deadline: deadline)
        case .floor(let sequence):
            fields.append(UInt8(4))
            fields.append(sequence.rawValue)
        case .begin(let startUnit, let sequence):
            fields.append(UInt8(5))
            fields.append(startUnit)
            fields.append(sequence.rawValue)
        case .destroyed(let startUnit, let sequence):
            fields.append(UInt8(6))
            fields.append(startUnit)
            fields.append(sequence.rawValue)
        }
    }

    /// The batch's bytes, for one place in one journal.
    package func finish(
        openCount: UInt32,
        identity: DiskIdentity,
        journalNumber: UInt64,
        position: Int
    ) -> [UInt8] {
        var bytes = fields.bytes
        var header = FieldWriter(reserving: Self.headerByteCount)
        header.append(UInt32(byteCount))
        header.append(openCount)
        header.append(UInt32(0))
        header.append(UInt32(0))
        bytes.replaceSubrange(0..<Self.headerByteCount, with: header.bytes)
        let seed = Self.seed(identity, journalNumber, position)
        var checksum = FieldWriter(reserving: 4)
        checksum.append(CRC32C.of(bytes.rawSpan, continuing: seed))
        bytes.replaceSubrange(8..<12, with: checksum.bytes)
        return bytes
    }

    /// Empties the batch.
    package mutating func removeAll() {
        fields = FieldWriter(reserving: Self.headerByteCount)
        fields.append([UInt8](repeating: 0, count: Self.headerByteCount))
    }

    /// What a batch's checksum starts from: it holds in one place of one journal only.
    static func seed(_ identity: DiskIdentity, _ journalNumber: UInt64, _ position: Int) -> UInt32 {
        var fields = FieldWriter(reserving: 24)
        fields.append(identity.rawValue)
        fields.append(journalNumber)
        fields.append(UInt64(position))
        return CRC32C.of(fields.bytes.rawSpan)
    }
}

/// Reads the batches of a journal back.
package struct JournalReader {
    /// Where the part ends that can be believed; the next batch goes there.
    package private(set) var position: Int
    /// Records read.
    package private(set) var recordCount = 0
    /// The open count of the last batch, or of the header when there is none.
    package private(set) var openCount: UInt32 = 0

    /// Creates a reader that starts behind the journal's header.
    package init() { position = AllocationUnit.byteCount }

    /// Hands over each record of a whole journal file, up to the first batch that does not prove itself.
    package mutating func read(
        _ file: RawSpan,
        header: JournalHeader,
        _ body: (JournalRecord) -> Void
    ) {
        openCount = max(openCount, header.openCount)
        while let records = nextBatch(file, header) {
            var reader = FieldReader(records)
            while let record = JournalRecord(&reader) {
                recordCount += 1
                body(record)
            }
        }
    }

    @_lifetime(copy file)
    private mutating func nextBatch(_ file: RawSpan, _ header: JournalHeader) -> RawSpan? {
        let start = position
        guard start <= file.byteCount - JournalBatch.headerByteCount else { return nil }
        let byteCount = Int(file.loadLittleEndian(at: start, as: UInt32.self))
        let batchOpenCount = file.loadLittleEndian(at: start + 4, as: UInt32.self)
        let checksum = file.loadLittleEndian(at: start + 8, as: UInt32.self)
        let end = start + JournalBatch.headerByteCount + byteCount
        // Behind the end of this opening's batches, or behind a header that it wrote anew, may stand those of
        // an earlier one.
        guard byteCount > 0, end <= file.byteCount, batchOpenCount >= openCount else { return nil }
        var proof = [UInt8](copying: file.extracting(start..<(start + JournalBatch.headerByteCount)))
        proof.replaceSubrange(8..<12, with: [0, 0, 0, 0])
        let seed = JournalBatch.seed(header.identity, header.number, start)
        let records = file.extracting((start + JournalBatch.headerByteCount)..<end)
        let sum = CRC32C.of(records, continuing: CRC32C.of(proof.rawSpan, continuing: seed))
        guard sum == checksum else { return nil }
        openCount = batchOpenCount
        position = end
        return records
    }
}

extension JournalRecord {
    /// Reads a record; `nil` at the batch's end, and for what this version does not know.
    init?(_ reader: inout FieldReader) {
        guard let kind = reader.next(UInt8.self) else { return nil }
        switch kind {
        case 1:
            guard let record = IndexedRecord(&reader) else { return nil }
            self = .put(record)
        case 2:
            guard let startUnit = reader.next(UInt32.self), let sequence = reader.next(UInt64.self)
            else { return nil }
            self = .remove(startUnit: startUnit, sequence: RecordSequence(rawValue: sequence))
        case 3:
            guard let startUnit = reader.next(UInt32.self), let sequence = reader.next(UInt64.self),
                let deadline = reader.nextDeadline()
            else { return nil }
            let raw = RecordSequence(rawValue: sequence)
            self = .expiry(startUnit: startUnit, sequence: raw, deadline: deadline)
        case 4:
            guard let sequence = reader.next(UInt64.self) else { return nil }
            self = .floor(RecordSequence(rawValue: sequence))
        case 5:
            guard let startUnit = reader.next(UInt32.self), let sequence = reader.next(UInt64.self)
            else { return nil }
            self = .begin(startUnit: startUnit, sequence: RecordSequence(rawValue: sequence))
        case 6:
            guard let startUnit = reader.next(UInt32.self), let sequence = reader.next(UInt64.self)
            else { return nil }
            self = .destroyed(startUnit: startUnit, sequence: RecordSequence(rawValue: sequence))
        default: return nil
        }
    }
}
