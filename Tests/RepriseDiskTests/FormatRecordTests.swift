import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseDisk

/// The page in front of a value.
@Suite struct FormatRecordTests {
    private func fault(
        _ page: [UInt8],
        identity: DiskIdentity = FormatSamples.identity,
        startUnit: UInt32 = 42
    ) -> RecordFault? {
        do throws(RecordFault) {
            _ = try RecordHeader.decode(page.rawSpan, identity: identity, startUnit: startUnit)
            return nil
        } catch {
            return error
        }
    }

    @Test func `its fields have their places`() {
        let page = FormatSamples.record.encoded
        #expect(page.count == 4096)
        #expect(
            FormatSamples.hex(page.prefix(101)) == "5250525352454331" + "0100" + "01" + "03" + "2a000000"
                + "efcdab8967452301" + "0500000000030000" + "8813000000000000" + "0068e5cf8b010000"
                + "839206e3" + "02000000" + "03000000" + "02000000" + "03000000" + "04000000" + "00000000"
                + "0c000000" + "0000000000000000" + "6d6f64656c40314030406162" + "00"
        )
        #expect(page[101..<4092].allSatisfy { $0 == 0 })
        let sum = CRC32C.of(page.rawSpan.extracting(0..<4092), continuing: 0x89AB_CDEF ^ 0x0123_4567)
        #expect(page.rawSpan.loadLittleEndian(at: 4092, as: UInt32.self) == sum)
    }

    @Test func `a tombstone has its places`() {
        let page = RecordHeader.tombstone
        #expect(page.count == 4096)
        #expect(FormatSamples.hex(page.prefix(16)) == "52505253544f4d42" + "0000000000000000")
        #expect(page[8..<4092].allSatisfy { $0 == 0 })
        #expect(
            page.rawSpan.loadLittleEndian(at: 4092, as: UInt32.self)
                == CRC32C.of(page.rawSpan.extracting(0..<4092))
        )
        #expect(fault(page) == .tombstone)
    }

    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func `what is written is read`(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let header = FormatSamples.header(&random)
        let page = header.encoded
        let read = try RecordHeader.decode(
            page.rawSpan,
            identity: header.identity,
            startUnit: header.startUnit
        )
        #expect(read == header)
    }

    @Test(arguments: [0, 1, RecordHeader.keyByteCountMax])
    func `keys of every length that fits are read`(_ count: Int) throws {
        var header = FormatSamples.record
        header.key = [UInt8](repeating: 255, count: count)
        let page = header.encoded
        #expect(page.count == 4096)
        #expect(try RecordHeader.decode(page.rawSpan, identity: header.identity, startUnit: 42) == header)
    }

    /// 0 says never: what is over since the first millisecond must not be kept for good.
    @Test func `a time of 0 is over, not never`() throws {
        var header = FormatSamples.record
        header.deadline = 0
        let page = header.encoded
        let read = try RecordHeader.decode(page.rawSpan, identity: header.identity, startUnit: 42)
        #expect(read.deadline == 1)
        header.deadline = nil
        #expect(FormatSamples.hex(header.encoded[40..<48]) == "0000000000000000")
    }

    @Test func `every flipped bit is noticed`() {
        let unnoticed = FormatSamples.unnoticedFlips(of: FormatSamples.record.encoded) {
            (try? RecordHeader.decode($0, identity: FormatSamples.identity, startUnit: 42)) != nil
        }
        #expect(unnoticed.isEmpty)
    }

    @Test func `a record proves itself on its disk and at its place only`() {
        let page = FormatSamples.record.encoded
        #expect(fault(page) == nil)
        #expect(fault(page, startUnit: 43) == .offset)
        #expect(fault(page, identity: FormatSamples.stranger) == .checksum)
        #expect(FormatSamples.twin.checksumSeed == FormatSamples.identity.checksumSeed)
        #expect(fault(page, identity: FormatSamples.twin) == .checksum)
    }

    @Test func `each thing that a page can be has its name`() {
        let page = FormatSamples.record.encoded
        let seed = FormatSamples.identity.checksumSeed
        #expect(fault([UInt8](repeating: 0, count: 4096)) == .notARecord)
        #expect(fault(Array(page.dropLast())) == .shortRead)
        #expect(fault([]) == .shortRead)
        #expect(fault(FormatSamples.changing(page, at: 8, to: 2, seed: seed)) == .version)
        #expect(fault(FormatSamples.changing(page, at: 10, to: 4, seed: seed)) == .notARecord)
        #expect(fault(FormatSamples.changing(page, at: 11, to: 5, seed: seed)) == .notARecord)
        // The value's length has 64 bits, of which one is never used; the key's ends with the page.
        #expect(fault(FormatSamples.changing(page, at: 39, to: 128, seed: seed)) == .notARecord)
        #expect(fault(FormatSamples.changing(page, at: 77, to: 16, seed: seed)) == .notARecord)
        #expect(fault(FormatSamples.changing(page, at: 79, to: 255, seed: seed)) == .notARecord)
    }

    @Test func `another key, sequence or length is not the record that was looked for`() {
        let header = FormatSamples.record
        func fault(_ key: [UInt8], _ sequence: RecordSequence, _ count: Int) -> RecordFault? {
            header.fault(key: key, sequence: sequence, payloadByteCount: count)
        }
        #expect(fault(header.key, header.sequence, 5000) == nil)
        #expect(fault(header.key + [0], header.sequence, 5000) == .key)
        #expect(fault(header.key, header.sequence.next, 5000) == .sequence)
        #expect(fault(header.key, header.sequence, 5001) == .checksum)
    }

    @Test func `a record takes a page for its header, and at least one for its value`() {
        #expect(RecordHeader.unitCount(payloadByteCount: 0) == 2)
        #expect(RecordHeader.unitCount(payloadByteCount: 4096) == 2)
        #expect(RecordHeader.unitCount(payloadByteCount: 4097) == 3)
        #expect(RecordHeader.unitCount(payloadByteCount: -1) == nil)
        #expect(RecordHeader.unitCount(payloadByteCount: Int(UInt32.max) * 4096) == nil)
        #expect(RecordHeader.unitCount(payloadByteCount: .max) == nil)
    }

    @Test func `a sequence has its open count above its counter`() {
        let sequence = RecordSequence(openCount: 0xFF_FFFF, counter: 0xFF_FFFF_FFFF)
        #expect(sequence.rawValue == .max)
        #expect(sequence.openCount == 0xFF_FFFF && sequence.counter == 0xFF_FFFF_FFFF)
        #expect(RecordSequence(openCount: 2, counter: 0) > RecordSequence(openCount: 1, counter: 1 << 39))
        #expect(RecordSequence(openCount: 2, counter: 8).next == RecordSequence(openCount: 2, counter: 9))
    }
}
