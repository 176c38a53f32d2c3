import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseDisk

/// Bytes that nobody wrote: they never trap, and are almost never believed.
@Suite struct FormatRandomTests {
    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `random pages are nothing`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let magics = [
            Superblock.magic, RecordHeader.magic, RecordHeader.tombstoneMagic, JournalHeader.magic,
            SnapshotHeader.magic,
        ]
        for magic in magics {
            var fields = FieldWriter()
            fields.append(magic)
            fields.append(UInt16(1))
            fields.append(FormatSamples.bytes(4086, &random))
            let page = fields.bytes.rawSpan
            #expect((try? Superblock.decode(page)) == nil)
            #expect((try? RecordHeader.decode(page, identity: FormatSamples.identity, startUnit: 7)) == nil)
            #expect(JournalHeader.decode(page, identity: FormatSamples.identity) == nil)
            #expect(SnapshotHeader.decode(page, identity: FormatSamples.identity) == nil)
        }
    }

    /// The checksum holds, so that what is behind it is looked at.
    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func `random fields with a checksum never trap`(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let identity = FormatSamples.identity
        for magic in [Superblock.magic, RecordHeader.magic, JournalHeader.magic, SnapshotHeader.magic] {
            var fields = FieldWriter()
            fields.append(magic)
            fields.append(UInt16(1))
            fields.append(UInt8.random(in: 0...5, using: &random))
            fields.append(UInt8.random(in: 0...5, using: &random))
            fields.append(UInt32(7))
            fields.append(identity.rawValue)
            fields.append(FormatSamples.bytes(.random(in: 0...4068, using: &random), &random))
            fields.finishPage(seed: magic == Superblock.magic ? 0 : identity.checksumSeed)
            let page = fields.bytes.rawSpan
            if let superblock = try? Superblock.decode(page) {
                #expect(try Superblock.decode(superblock.encoded.rawSpan) == superblock)
            }
            if let header = try? RecordHeader.decode(page, identity: identity, startUnit: 7) {
                let again = header.encoded
                #expect(try RecordHeader.decode(again.rawSpan, identity: identity, startUnit: 7) == header)
            }
            if let header = JournalHeader.decode(page, identity: identity) {
                #expect(JournalHeader.decode(header.encoded.rawSpan, identity: identity) == header)
            }
            if let header = SnapshotHeader.decode(page, identity: identity) {
                #expect(SnapshotHeader.decode(header.encoded.rawSpan, identity: identity) == header)
            }
        }
    }

    @Test(arguments: 1...100 as ClosedRange<UInt64>)
    func `random journals and snapshots have no records`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bytes = FormatSamples.bytes(.random(in: 0...9000, using: &random), &random)
        // Lengths that fit, now and then.
        for start in [0, 4096] where start + 4 <= bytes.count && seed % 2 == 0 {
            bytes[start + 2] = 0
            bytes[start + 3] = 0
        }
        var journal = JournalReader()
        journal.read(bytes.rawSpan, header: FormatSamples.journal) { _ in }
        #expect(journal.recordCount == 0 && journal.position == 4096)
        var snapshot = SnapshotReader()
        snapshot.read(bytes.rawSpan, header: FormatSamples.snapshot) { _ in }
        #expect(snapshot.recordCount == 0)
        #expect(snapshot.damagedBlockCount > 0 || bytes.isEmpty)
    }

    /// What a batch's checksum covers may still be of a newer kind, or end in the middle of a record.
    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func `random records with a checksum never trap`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let header = FormatSamples.journal
        var records: [UInt8] = []
        for _ in 0..<4 {
            records.append(.random(in: 0...7, using: &random))
            records += FormatSamples.bytes(.random(in: 0...40, using: &random), &random)
        }
        let position = 4096
        let place = JournalBatch.seed(header.identity, header.number, position)
        var front = FieldWriter(reserving: 16)
        front.append(UInt32(records.count))
        front.append(UInt32(3))
        front.append(UInt32(0))
        front.append(UInt32(0))
        var batch = FieldWriter(reserving: 16)
        batch.append(Array(front.bytes[..<8]))
        batch.append(CRC32C.of((front.bytes + records).rawSpan, continuing: place))
        batch.append(UInt32(0))
        batch.append(records)
        let file = header.encoded + batch.bytes
        var reader = JournalReader()
        reader.read(file.rawSpan, header: header) { _ in }
        #expect(reader.position == file.count)
        #expect(reader.recordCount <= records.count / 9)
    }
}
