import RepriseCore
import RepriseTesting
import Testing

@testable import RepriseDisk

/// The superblock's page.
@Suite struct FormatSuperblockTests {
    private func fault(_ page: [UInt8]) -> Superblock.Fault? {
        do throws(Superblock.Fault) {
            _ = try Superblock.decode(page.rawSpan)
            return nil
        } catch {
            return error
        }
    }

    @Test func `its fields have their places`() {
        let page = FormatSamples.superblock.encoded
        #expect(page.count == 4096)
        #expect(
            FormatSamples.hex(page.prefix(80)) == "525052534449534b" + "0100" + "0000" + "03000000"
                + "efcdab8967452301" + "1111111111111111" + "0700000000000000" + "0200000000010000"
                + "0000000000020000" + "2222222222222222" + "0900000000000000" + "e8030000" + "00000000"
        )
        #expect(page[80..<4092].allSatisfy { $0 == 0 })
        #expect(
            page.rawSpan.loadLittleEndian(at: 4092, as: UInt32.self)
                == CRC32C.of(page.rawSpan.extracting(0..<4092))
        )
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `what is written is read`(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let superblock = Superblock(
            identity: DiskIdentity(rawValue: random.next()),
            setIdentity: random.next(),
            setGeneration: random.next(),
            openCount: .random(in: 0 ... .max, using: &random),
            floor: FormatSamples.sequence(&random),
            rebuildFloor: FormatSamples.sequence(&random),
            bootIdentity: random.next(),
            unitCount: .random(in: 0 ... .max, using: &random),
            saveNumber: random.next()
        )
        #expect(try Superblock.decode(superblock.encoded.rawSpan) == superblock)
    }

    @Test func `every flipped bit is noticed`() {
        let unnoticed = FormatSamples.unnoticedFlips(of: FormatSamples.superblock.encoded) {
            (try? Superblock.decode($0)) != nil
        }
        #expect(unnoticed.isEmpty)
    }

    @Test func `a page that was never one is told from one that is damaged and from a newer one`() {
        let page = FormatSamples.superblock.encoded
        #expect(fault([UInt8](repeating: 0, count: 4096)) == .notOurs)
        #expect(fault(Array(page.dropLast())) == .notOurs)
        #expect(fault([]) == .notOurs)
        #expect(fault(page + [0]) == .notOurs)
        var damaged = page
        damaged[3000] ^= 1
        #expect(fault(damaged) == .damaged)
        #expect(fault(FormatSamples.changing(page, at: 8, to: 2, seed: 0)) == .newerVersion(2))
        #expect(fault(FormatSamples.changing(page, at: 9, to: 1, seed: 0)) == .newerVersion(257))
    }
}
