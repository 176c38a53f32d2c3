import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseDisk

/// A journal's header, its batches, and what is left of them when the file is torn.
@Suite struct FormatJournalTests {
    private static let header = FormatSamples.journal

    /// A journal of some batches, and where each of them ends.
    private struct Sample {
        var bytes: [UInt8]
        var batches: [[JournalRecord]] = []
        var ends: [Int] = []

        init(_ header: JournalHeader = FormatJournalTests.header) { bytes = header.encoded }

        mutating func append(_ records: [JournalRecord], openCount: UInt32) {
            bytes += FormatJournalTests.batch(records, openCount: openCount, position: bytes.count)
            batches.append(records)
            ends.append(bytes.count)
        }

        /// What is to be read of the first so many bytes.
        func records(whole byteCount: Int) -> [JournalRecord] {
            Array(zip(batches, ends).filter { $0.1 <= byteCount }.map(\.0).joined())
        }

        func position(whole byteCount: Int) -> Int { ends.last { $0 <= byteCount } ?? 4096 }
    }

    private static func batch(
        _ records: [JournalRecord],
        openCount: UInt32,
        header: JournalHeader = header,
        position: Int
    ) -> [UInt8] {
        var batch = JournalBatch()
        for record in records { batch.append(record) }
        return batch.finish(
            openCount: openCount,
            identity: header.identity,
            journalNumber: header.number,
            position: position
        )
    }

    private func read(
        _ bytes: RawSpan,
        header: JournalHeader = header
    ) -> (records: [JournalRecord], position: Int, openCount: UInt32) {
        var records: [JournalRecord] = []
        var reader = JournalReader()
        reader.read(bytes, header: header) { records.append($0) }
        #expect(reader.recordCount == records.count)
        return (records, reader.position, reader.openCount)
    }

    private func sample(_ seed: UInt64, batchCount: Int = 5) -> Sample {
        var random = SeededGenerator(seed: seed)
        var sample = Sample()
        for index in 0..<batchCount {
            let count = Int.random(in: 1...3, using: &random)
            sample.append(
                (0..<count).map { _ in FormatSamples.change(&random) },
                openCount: 3 + UInt32(index) / 2
            )
        }
        return sample
    }

    @Test func `the header's fields have their places`() {
        let page = Self.header.encoded
        #expect(page.count == 4096)
        #expect(
            FormatSamples.hex(page.prefix(32)) == "525052534a524e4c" + "0100" + "0000" + "03000000"
                + "efcdab8967452301" + "0600000000000000"
        )
        #expect(page[32..<4092].allSatisfy { $0 == 0 })
        let sum = CRC32C.of(page.rawSpan.extracting(0..<4092), continuing: 0x8888_8888)
        #expect(page.rawSpan.loadLittleEndian(at: 4092, as: UInt32.self) == sum)
    }

    @Test(
        arguments: [
            (
                .put(FormatSamples.indexed),
                "01" + "2a000000" + "03000000" + "0500000000030000" + "8813000000000000"
                    + "0068e5cf8b010000" + "6b6579"
            ),
            (
                .remove(startUnit: 42, sequence: FormatSamples.indexed.sequence),
                "02" + "2a000000" + "0500000000030000"
            ),
            (
                .expiry(startUnit: 42, sequence: FormatSamples.indexed.sequence, deadline: 258),
                "03" + "2a000000" + "0500000000030000" + "0201000000000000"
            ),
            (
                .expiry(startUnit: 42, sequence: FormatSamples.indexed.sequence, deadline: nil),
                "03" + "2a000000" + "0500000000030000" + "0000000000000000"
            ),
            (.floor(FormatSamples.indexed.sequence), "04" + "0500000000030000"),
            (
                .begin(startUnit: 42, sequence: FormatSamples.indexed.sequence),
                "05" + "2a000000" + "0500000000030000"
            ),
            (
                .destroyed(startUnit: 42, sequence: FormatSamples.indexed.sequence),
                "06" + "2a000000" + "0500000000030000"
            ),
        ] as [(JournalRecord, String)]
    )
    func `each kind of record has its bytes`(_ record: JournalRecord, _ hex: String) {
        let bytes = Self.batch([record], openCount: 3, position: 4096)
        #expect(FormatSamples.hex(bytes[16...]) == hex)
        #expect(bytes.rawSpan.loadLittleEndian(at: 0, as: UInt32.self) == bytes.count - 16)
        #expect(FormatSamples.hex(bytes[4..<8]) == "03000000")
        #expect(FormatSamples.hex(bytes[12..<16]) == "00000000")
        #expect(read((Self.header.encoded + bytes).rawSpan).records == [record])
    }

    /// From nothing but the document: what the checksum starts from, and what it covers.
    @Test func `a batch's checksum is what the document says`() {
        var bytes = Self.batch([.floor(RecordSequence(rawValue: 1))], openCount: 3, position: 0x1234)
        let checksum = bytes.rawSpan.loadLittleEndian(at: 8, as: UInt32.self)
        let place: [UInt8] =
            [0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01] + [6, 0, 0, 0, 0, 0, 0, 0]
            + [0x34, 0x12, 0, 0, 0, 0, 0, 0]
        for index in 8..<12 { bytes[index] = 0 }
        #expect(CRC32C.of(bytes.rawSpan, continuing: CRC32C.of(place.rawSpan)) == checksum)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `what is written is read`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let header = JournalHeader(
            identity: DiskIdentity(rawValue: random.next()),
            number: random.next(),
            openCount: 0
        )
        #expect(JournalHeader.decode(header.encoded.rawSpan, identity: header.identity) == header)
        var bytes = header.encoded
        var records: [JournalRecord] = []
        for openCount in 1...20 as ClosedRange<UInt32> {
            let more = (0..<Int.random(in: 1...30, using: &random)).map { _ in FormatSamples.change(&random) }
            bytes += Self.batch(more, openCount: openCount, header: header, position: bytes.count)
            records += more
        }
        let end = bytes.count
        bytes += [UInt8](repeating: 0, count: 5000)
        let found = read(bytes.rawSpan, header: header)
        #expect(found.records == records)
        #expect(found.position == end)
        #expect(found.openCount == 20)
    }

    @Test func `an empty batch that was emptied has nothing of the one before`() {
        var batch = JournalBatch()
        batch.append(.put(FormatSamples.indexed))
        #expect(batch.byteCount == 36)
        batch.removeAll()
        #expect(batch.byteCount == 0)
        batch.append(.floor(.zero))
        let bytes = batch.finish(
            openCount: 3,
            identity: Self.header.identity,
            journalNumber: Self.header.number,
            position: 4096
        )
        #expect(read((Self.header.encoded + bytes).rawSpan).records == [.floor(.zero)])
    }

    /// See the format's document: 0 says never.
    @Test func `a time of 0 is over, not never`() {
        var record = FormatSamples.indexed
        record.deadline = 0
        let expiry = JournalRecord.expiry(startUnit: 1, sequence: .zero, deadline: 0)
        let bytes = Self.batch([.put(record), expiry], openCount: 3, position: 4096)
        record.deadline = 1
        #expect(
            read((Self.header.encoded + bytes).rawSpan).records
                == [.put(record), .expiry(startUnit: 1, sequence: .zero, deadline: 1)]
        )
    }

    @Test func `every flipped bit of a header is noticed`() {
        let unnoticed = FormatSamples.unnoticedFlips(of: Self.header.encoded) {
            JournalHeader.decode($0, identity: FormatSamples.identity) != nil
        }
        #expect(unnoticed.isEmpty)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `behind every flipped bit of a batch nothing is read, and in front of it everything`(
        _ seed: UInt64
    ) {
        let sample = sample(seed)
        let wrong = FormatSamples.unnoticedFlips(of: sample.bytes, in: 4096..<sample.bytes.count) { bytes in
            guard
                let changed = (4096..<bytes.byteCount).first(where: {
                    bytes.loadByte(at: $0) != sample.bytes[$0]
                })
            else { return true }
            let found = read(bytes)
            return found.records != sample.records(whole: changed)
                || found.position != sample.position(whole: changed)
        }
        #expect(wrong.isEmpty)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a journal that ends at any byte has its whole batches`(_ seed: UInt64) {
        let sample = sample(seed)
        for count in 0...sample.bytes.count {
            let found = read(sample.bytes.rawSpan.extracting(0..<count))
            #expect(found.records == sample.records(whole: count), "\(count) bytes")
            #expect(found.position == sample.position(whole: count))
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a journal that is torn at any byte has its whole batches`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let sample = sample(seed)
        let noise = FormatSamples.bytes(sample.bytes.count, &random)
        for count in 4096..<sample.bytes.count {
            for rest in [[UInt8](repeating: 0, count: sample.bytes.count - count), Array(noise[count...])] {
                let torn = sample.bytes[..<count] + rest
                // What was not written may be what was to be written.
                let same = zip(torn, sample.bytes).prefix { $0 == $1 }.count
                let found = read(Array(torn).rawSpan)
                #expect(found.records == sample.records(whole: same), "torn at \(count)")
                #expect(found.position == sample.position(whole: same))
            }
        }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `batches of an earlier opening behind the end are not read`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        // The first opening writes batches of one length; the second finds but one of them, and writes over
        // the next: those behind it still stand where they prove themselves.
        func records() -> [JournalRecord] {
            [
                .remove(
                    startUnit: .random(in: 0...99, using: &random),
                    sequence: FormatSamples.sequence(&random)
                )
            ]
        }
        var first = Sample()
        for _ in 0..<5 { first.append(records(), openCount: 3) }
        var second = Sample()
        second.append(first.batches[0], openCount: 3)
        second.append(records(), openCount: 4)
        let file = second.bytes + first.bytes[second.bytes.count...]
        let found = read(file.rawSpan)
        #expect(found.records == second.records(whole: .max))
        #expect(found.position == second.bytes.count)
        #expect(found.openCount == 4)
        #expect(read(first.bytes.rawSpan).records.count == 5)
    }

    @Test func `behind a header that was written anew no batch of an earlier opening is read`() {
        var first = Sample()
        first.append([.floor(RecordSequence(rawValue: 1))], openCount: 3)
        var header = Self.header
        header.openCount = 4
        let file = header.encoded + first.bytes[4096...]
        let found = read(file.rawSpan, header: header)
        #expect(found.records.isEmpty)
        #expect(found.position == 4096)
        #expect(found.openCount == 4)
    }

    @Test func `a batch holds in one place of one journal of one disk`() {
        let records = [JournalRecord.floor(RecordSequence(rawValue: 1))]
        func count(identity: DiskIdentity = FormatSamples.identity, number: UInt64 = 6, position: Int = 4096)
            -> Int
        {
            var written = Self.header
            (written.identity, written.number) = (identity, number)
            let batch = Self.batch(records, openCount: 3, header: written, position: position)
            return read((Self.header.encoded + batch).rawSpan).records.count
        }
        #expect(count() == 1)
        #expect(count(identity: FormatSamples.stranger) == 0)
        #expect(count(identity: FormatSamples.twin) == 0)
        #expect(count(number: 5) == 0)
        #expect(count(position: 4097) == 0)
        let page = Self.header.encoded
        #expect(JournalHeader.decode(page.rawSpan, identity: FormatSamples.identity) == Self.header)
        #expect(JournalHeader.decode(page.rawSpan, identity: FormatSamples.stranger) == nil)
        #expect(JournalHeader.decode(page.rawSpan, identity: FormatSamples.twin) == nil)
    }

    @Test func `a header of another version, kind or length is none`() {
        let page = Self.header.encoded
        let seed = FormatSamples.identity.checksumSeed
        let pages = [
            FormatSamples.changing(page, at: 8, to: 2, seed: seed), FormatSamples.snapshot.encoded,
            FormatSamples.record.encoded, FormatSamples.superblock.encoded, RecordHeader.tombstone,
            Array(page.dropLast()), page + [0], [], [UInt8](repeating: 0, count: 4096),
        ]
        for page in pages {
            #expect(JournalHeader.decode(page.rawSpan, identity: FormatSamples.identity) == nil)
        }
    }
}
