/// The addresses that share a prefix: `10.0.0.0/8`, `fd00::/8`, or a single one.
public struct NetworkRange: Hashable, Sendable {
    private let prefix: [UInt8]
    private let bitCount: Int

    /// Reads CIDR notation, or an address alone.
    ///
    /// - Throws: ``ServerError`` with code `badAddress`, also for bits set behind the prefix.
    /// - Source: RFC 4632 § 3.1.
    public init(parsing text: String) throws(ServerError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let forms = "write 10.0.0.0/8, fd00::/8 or one address"
        guard let bytes = AddressText.bytes(of: String(parts[0])) else {
            throw ServerError(.badAddress, "'\(text)' is no network: \(forms)")
        }
        var bitCount = bytes.count * 8
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(parts[1]),
                count <= bitCount
            else {
                throw ServerError(.badAddress, "'\(text)': a prefix has 0 to \(bitCount) bits; \(forms)")
            }
            bitCount = count
        }
        guard (bitCount..<(bytes.count * 8)).allSatisfy({ bytes[$0 / 8] & (0x80 >> UInt8($0 % 8)) == 0 })
        else {
            throw ServerError(.badAddress, "'\(text)' has bits set behind its prefix of \(bitCount)")
        }
        self.init(prefix: bytes, bitCount: bitCount)
    }

    private init(prefix: [UInt8], bitCount: Int) {
        self.prefix = prefix
        self.bitCount = bitCount
    }

    /// This machine's own addresses.
    static let loopback = [
        NetworkRange(prefix: [127, 0, 0, 0], bitCount: 8),
        NetworkRange(prefix: [UInt8](repeating: 0, count: 15) + [1], bitCount: 128),
    ]

    /// Whether an address of 4 or 16 bytes belongs to the range.
    func contains(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == prefix.count else { return false }
        let whole = bitCount / 8
        guard bytes[..<whole] == prefix[..<whole] else { return false }
        guard bitCount % 8 > 0 else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xff00 >> (bitCount % 8))
        return bytes[whole] & mask == prefix[whole] & mask
    }
}
