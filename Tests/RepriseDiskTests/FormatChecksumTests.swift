import RepriseTesting
import Testing

@testable import RepriseCore

/// CRC32C against the vectors of RFC 3720, and its two ways to the sum against each other.
@Suite struct FormatChecksumTests {
    @Test(
        arguments: [
            (Array("123456789".utf8), 0xE306_9283),
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 255, count: 32), 0x62A8_AB43),
            (Array(0..<32), 0x46DD_794E),
            (Array((0..<32).reversed()), 0x113F_DB5C),
            ([], 0),
        ] as [([UInt8], UInt32)]
    )
    func `known vectors have their known checksums`(_ bytes: [UInt8], _ checksum: UInt32) {
        #expect(CRC32C.of(bytes.rawSpan) == checksum)
        #expect(CRC32C.portable(bytes.rawSpan) == checksum)
    }

    @Test(arguments: [1, 2] as [UInt64])
    func `both ways agree on every short length and on every start`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = FormatSamples.bytes(320, &random)
        for count in 0...300 {
            let start = count % 17
            let span = bytes.rawSpan.extracting(start..<(start + count))
            let before = UInt32(truncatingIfNeeded: random.next())
            #expect(CRC32C.of(span) == CRC32C.portable(span), "\(count) bytes")
            #expect(CRC32C.of(span, continuing: before) == CRC32C.portable(span, continuing: before))
        }
    }

    /// Three streams of 4096 bytes are joined: the lengths around their multiples are where that ends.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `both ways agree around the lengths at which streams are joined`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let joined = 3 * 4096 * Int(seed)
        let bytes = FormatSamples.bytes(joined + 32, &random)
        for count in [-4097, -9, -8, -1, 0, 1, 7, 8, 9, 17].map({ joined + $0 }) {
            let span = bytes.rawSpan.extracting(5..<(5 + count))
            #expect(CRC32C.of(span) == CRC32C.portable(span), "\(count) bytes")
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `the checksums of two parts combine to that of the whole`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = FormatSamples.bytes(30_000, &random)
        for _ in 0..<200 {
            let cuts = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            let first = CRC32C.of(bytes.rawSpan.extracting(cuts[0]..<cuts[1]))
            let rest = CRC32C.of(bytes.rawSpan.extracting(cuts[1]..<cuts[2]))
            let whole = CRC32C.of(bytes.rawSpan.extracting(cuts[0]..<cuts[2]))
            #expect(CRC32C.combining(first, rest, byteCount: cuts[2] - cuts[1]) == whole, "\(cuts)")
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a checksum can be continued at any split`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = FormatSamples.bytes(30_000, &random)
        let whole = CRC32C.of(bytes.rawSpan)
        for _ in 0..<50 {
            let cuts = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            var (checksum, start) = (UInt32(0), 0)
            for end in cuts + [bytes.count] {
                checksum = CRC32C.of(bytes.rawSpan.extracting(start..<end), continuing: checksum)
                start = end
            }
            #expect(checksum == whole, "split at \(cuts)")
        }
    }
}
