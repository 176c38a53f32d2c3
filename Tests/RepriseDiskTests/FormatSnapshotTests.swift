import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseDisk

/// A snapshot's header, its blocks, and what is left of them when some are damaged.
@Suite struct FormatSnapshotTests {
    private static let header = FormatSamples.snapshot

    /// A snapshot's content, and the records of each block.
    private struct Sample {
        var content: [UInt8] = []
        var header: SnapshotHeader
        var records: [IndexedRecord]
        /// Where each block begins in the content, and its end.
        var blocks: [Range<Int>] = []

        init(_ records: [IndexedRecord], identity: DiskIdentity = FormatSamples.identity, number: UInt64 = 6)
        {
            self.records = records
            var writer = SnapshotWriter(identity: identity, number: number)
            var taken: [(offset: Int, bytes: [UInt8])] = []
            for record in records {
                writer.append(record)
                taken += writer.takeBlocks()
            }
            header = writer.finish(
                openCount: 3,
                sequence: FormatSamples.snapshot.sequence,
                floor: FormatSamples.snapshot.floor,
                isClean: false
            )
            taken += writer.takeBlocks()
            for block in taken {
                #expect(block.offset == 4096 + content.count)
                blocks.append(content.count..<(content.count + block.bytes.count))
                content += block.bytes
            }
        }

        /// The records of some blocks.
        func records(ofBlocks isKept: (Int) -> Bool) -> [IndexedRecord] {
            var kept: [IndexedRecord] = []
            var (block, byteCount) = (0, 0)
            for record in records {
                if isKept(block) { kept.append(record) }
                byteCount += IndexedRecord.byteCount(keyByteCount: record.key.count)
                if byteCount > 60 << 10 { (block, byteCount) = (block + 1, 0) }
            }
            return kept
        }
    }

    private func read(
        _ content: RawSpan,
        header: SnapshotHeader
    ) -> (records: [IndexedRecord], damagedBlockCount: Int) {
        var records: [IndexedRecord] = []
        var reader = SnapshotReader()
        reader.read(content, header: header) { records.append($0) }
        #expect(reader.recordCount == records.count)
        return (records, reader.damagedBlockCount)
    }

    private func sample(_ seed: UInt64, blockCount: Int = 3) -> Sample {
        var random = SeededGenerator(seed: seed)
        var records: [IndexedRecord] = []
        var byteCount = 0
        while byteCount < (blockCount - 1) * 62 << 10 + 1000 {
            let record = FormatSamples.indexed(keyByteCountMax: 1000, &random)
            byteCount += IndexedRecord.byteCount(keyByteCount: record.key.count)
            records.append(record)
        }
        return Sample(records)
    }

    @Test func `the header's fields have their places`() {
        let page = Self.header.encoded
        #expect(page.count == 4096)
        #expect(
            FormatSamples.hex(page.prefix(64)) == "52505253534e4150" + "0100" + "0100" + "03000000"
                + "efcdab8967452301" + "0600000000000000" + "0a00000000000000" + "2003000000000000"
                + "0500000000030000" + "0200000000010000"
        )
        #expect(page[64..<4092].allSatisfy { $0 == 0 })
        let sum = CRC32C.of(page.rawSpan.extracting(0..<4092), continuing: 0x8888_8888)
        #expect(page.rawSpan.loadLittleEndian(at: 4092, as: UInt32.self) == sum)
    }

    @Test func `a block's fields have their places`() {
        let sample = Sample([FormatSamples.indexed])
        let block = sample.content
        #expect(FormatSamples.hex(block[..<4]) == "23000000")
        #expect(FormatSamples.hex(block[8..<12]) == "00000000")
        #expect(
            FormatSamples.hex(block[12...]) == "2a000000" + "03000000" + "0500000000030000"
                + "8813000000000000" + "0068e5cf8b010000" + "6b6579"
        )
        let place: [UInt8] =
            [0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01] + [6, 0, 0, 0, 0, 0, 0, 0]
            + [UInt8](repeating: 0, count: 8)
        let sum = CRC32C.of(block.rawSpan.extracting(12..<block.count), continuing: CRC32C.of(place.rawSpan))
        #expect(block.rawSpan.loadLittleEndian(at: 4, as: UInt32.self) == sum)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `a header that is written is read`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let header = SnapshotHeader(
            identity: DiskIdentity(rawValue: random.next()),
            number: random.next(),
            openCount: .random(in: 0 ... .max, using: &random),
            recordCount: random.next(),
            contentByteCount: random.next(),
            sequence: FormatSamples.sequence(&random),
            floor: FormatSamples.sequence(&random),
            isClean: .random(using: &random)
        )
        #expect(SnapshotHeader.decode(header.encoded.rawSpan, identity: header.identity) == header)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `records that are written are read, in their order`(_ seed: UInt64) {
        let sample = sample(seed, blockCount: Int(seed))
        #expect(sample.blocks.count == Int(seed))
        #expect(sample.header.recordCount == UInt64(sample.records.count))
        #expect(sample.header.contentByteCount == UInt64(sample.content.count))
        let found = read(sample.content.rawSpan, header: sample.header)
        #expect(found.records == sample.records)
        #expect(found.damagedBlockCount == 0)
    }

    @Test func `a snapshot of nothing has no block`() {
        let sample = Sample([])
        #expect(sample.content.isEmpty && sample.header.recordCount == 0)
        let found = read(sample.content.rawSpan, header: sample.header)
        #expect(found.records.isEmpty && found.damagedBlockCount == 0)
    }

    @Test(arguments: [64 << 10, 100 << 10, 130_000, 1 << 20], [0, 1, 200, 4004])
    func `records of the length that a file has room for fit in it`(_ fileByteCount: Int, _ keyByteCount: Int)
    {
        var record = FormatSamples.indexed
        record.key = [UInt8](repeating: 1, count: keyByteCount)
        let count =
            SnapshotWriter.recordByteCountMax(fileByteCount: fileByteCount)
            / IndexedRecord.byteCount(keyByteCount: keyByteCount)
        #expect(count > 0)
        let sample = Sample([IndexedRecord](repeating: record, count: count))
        #expect(4096 + sample.content.count <= fileByteCount)
        #expect(SnapshotWriter.recordByteCountMax(fileByteCount: 0) == 0)
    }

    @Test func `every flipped bit of a header is noticed`() {
        let unnoticed = FormatSamples.unnoticedFlips(of: Self.header.encoded) {
            SnapshotHeader.decode($0, identity: FormatSamples.identity) != nil
        }
        #expect(unnoticed.isEmpty)
    }

    /// All bits of the first block's header, and of as many of its records as take no time.
    @Test func `every flipped bit of a block is noticed, but for those of its number, which say nothing new`()
    {
        let sample = Sample(Array(sample(5).records.prefix(20)))
        let unnoticed = FormatSamples.unnoticedFlips(of: sample.content, in: 0..<2000) {
            read($0, header: sample.header).records == sample.records
        }
        #expect(unnoticed == Array((8 * 8)..<(12 * 8)))
    }

    @Test(arguments: 0..<3)
    func `a damaged block loses only itself`(_ damaged: Int) {
        let sample = sample(7)
        #expect(sample.blocks.count == 3)
        let block = sample.blocks[damaged]
        let places = [4, 12, 13, 500, block.count - 1]
        for offset in places {
            var content = sample.content
            content[block.lowerBound + offset] ^= 16
            let found = read(content.rawSpan, header: sample.header)
            #expect(found.records == sample.records { $0 != damaged }, "offset \(offset)")
            #expect(found.damagedBlockCount == 1)
        }
        var content = sample.content
        for offset in block.dropFirst(12) { content[offset] = 0 }
        #expect(read(content.rawSpan, header: sample.header).records == sample.records { $0 != damaged })
    }

    @Test(arguments: 0..<3, 0..<32)
    func `behind a block whose length is damaged nothing is read`(_ damaged: Int, _ bit: Int) {
        let sample = sample(7)
        var content = sample.content
        content[sample.blocks[damaged].lowerBound + bit / 8] ^= 1 << UInt8(bit % 8)
        let found = read(content.rawSpan, header: sample.header)
        #expect(found.records == sample.records { $0 < damaged })
        #expect((1...2).contains(found.damagedBlockCount))
    }

    @Test func `a length that leads astray is not followed on`() {
        // The key looks like many blocks, each with a number that it cannot have.
        var block = FieldWriter(reserving: 16)
        for number in [4, 0, 99, 0] as [UInt32] { block.append(number) }
        var record = FormatSamples.indexed
        record.key = Array([[UInt8]](repeating: block.bytes, count: 100).joined())
        let sample = Sample([record])
        var content = sample.content
        // As if the block's records ended where the key begins.
        (content[0], content[1]) = (32, 0)
        #expect(read(content.rawSpan, header: sample.header).damagedBlockCount == 2)
    }

    @Test func `a content that ends early has its whole blocks`() {
        let sample = sample(9)
        for end in sample.blocks.map(\.upperBound) + [0] {
            for count in [end - 1, end, end + 1, end + 11, end + 12, end + 13]
            where (0...sample.content.count).contains(count) {
                let whole = sample.blocks.filter { $0.upperBound <= count }.count
                let found = read(sample.content.rawSpan.extracting(0..<count), header: sample.header)
                #expect(found.records == sample.records { $0 < whole }, "\(count) bytes")
                #expect(
                    (found.damagedBlockCount == 0)
                        == (count == 0 || sample.blocks.contains { $0.upperBound == count })
                )
            }
        }
    }

    @Test func `a block holds in one place of one snapshot of one disk`() {
        let sample = sample(11)
        var header = sample.header
        header.number += 1
        #expect(read(sample.content.rawSpan, header: header).records.isEmpty)
        for identity in [FormatSamples.stranger, FormatSamples.twin] {
            header = sample.header
            header.identity = identity
            #expect(read(sample.content.rawSpan, header: header).records.isEmpty)
            let page = sample.header.encoded
            #expect(SnapshotHeader.decode(page.rawSpan, identity: identity) == nil)
        }
        let swapped = sample.content[sample.blocks[1]] + sample.content[sample.blocks[0]]
        #expect(read(Array(swapped).rawSpan, header: sample.header).records.isEmpty)
    }

    @Test func `a header of another version, kind or length is none`() {
        let page = Self.header.encoded
        let seed = FormatSamples.identity.checksumSeed
        let pages = [
            FormatSamples.changing(page, at: 8, to: 2, seed: seed), FormatSamples.journal.encoded,
            FormatSamples.record.encoded, FormatSamples.superblock.encoded, RecordHeader.tombstone,
            Array(page.dropLast()), page + [0], [], [UInt8](repeating: 0, count: 4096),
        ]
        for page in pages {
            #expect(SnapshotHeader.decode(page.rawSpan, identity: FormatSamples.identity) == nil)
        }
    }
}
