internal import CRepriseShims

/// The CRC32C (Castagnoli) checksum: what records and journals are proven with.
///
/// With the processor's instruction where there is one, at memory speed; from tables otherwise.
///
/// - Source: RFC 3720, appendix B.4.
package enum CRC32C {
    /// The checksum of bytes, or of bytes behind others whose checksum is `checksum`.
    ///
    /// - Complexity: O(bytes); about 0.05 ns a byte with the instruction.
    package static func of(_ bytes: RawSpan, continuing checksum: UInt32 = 0) -> UInt32 {
        guard hasInstruction else { return portable(bytes, continuing: checksum) }
        // SAFETY: the span has that many bytes.
        return unsafe bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return checksum }
            return unsafe reprise_crc32c(checksum, base, bytes.count)
        }
    }

    /// The checksum of bytes whose first part has one checksum and whose rest, of so many bytes, another.
    ///
    /// - Complexity: O(log(bytes)).
    package static func combining(_ first: UInt32, _ rest: UInt32, byteCount: Int) -> UInt32 {
        // Zero bytes behind the first part multiply its checksum by a power of x.
        var (shifted, left, index) = (first, byteCount, 0)
        while left > 0 {
            if left & 1 == 1 { shifted = product(shifted, powers[index]) }
            left >>= 1
            index += 1
        }
        return shifted ^ rest
    }

    /// x to the power of 8, 16, 32 and so on, modulo the polynomial, bits reversed.
    private static let powers: [UInt32] = {
        var power = (0..<8).reduce(UInt32(1) << 31) { power, _ in step(power) }
        return (0..<Int.bitWidth).map { _ in
            defer { power = product(power, power) }
            return power
        }
    }()

    /// The product of two polynomials modulo the checksum's, bits reversed.
    private static func product(_ left: UInt32, _ right: UInt32) -> UInt32 {
        var (sum, shifted, rest) = (UInt32(0), right, left)
        while rest != 0 {
            if rest >> 31 == 1 { sum ^= shifted }
            shifted = step(shifted)
            rest <<= 1
        }
        return sum
    }

    private static let hasInstruction = reprise_has_crc32c() != 0

    /// The same from tables, eight bytes at a step.
    static func portable(_ bytes: RawSpan, continuing checksum: UInt32 = 0) -> UInt32 {
        var state = ~checksum
        var offset = 0
        while offset + 8 <= bytes.byteCount {
            let low = bytes.loadLittleEndian(at: offset, as: UInt32.self) ^ state
            let high = bytes.loadLittleEndian(at: offset + 4, as: UInt32.self)
            state = 0
            for shift in 0..<4 {
                state ^= tables[7 - shift][Int(truncatingIfNeeded: low >> UInt32(8 * shift) & 255)]
                state ^= tables[3 - shift][Int(truncatingIfNeeded: high >> UInt32(8 * shift) & 255)]
            }
            offset += 8
        }
        while offset < bytes.byteCount {
            let index = (state ^ UInt32(bytes.loadByte(at: offset))) & 255
            state = tables[0][Int(index)] ^ state >> 8
            offset += 1
        }
        return ~state
    }

    /// The checksum's polynomial, its bits reversed.
    private static let polynomial: UInt32 = 0x82F6_3B78

    /// By how many zero bytes follow: the checksum of each byte.
    private static let tables: [[UInt32]] = {
        var tables = [(0..<256).map { byte in (0..<8).reduce(UInt32(byte)) { sum, _ in step(sum) } }]
        for _ in 1..<8 {
            let last = tables[tables.count - 1]
            tables.append(last.map { tables[0][Int($0 & 255)] ^ $0 >> 8 })
        }
        return tables
    }()

    private static func step(_ sum: UInt32) -> UInt32 { sum & 1 == 1 ? sum >> 1 ^ polynomial : sum >> 1 }
}
