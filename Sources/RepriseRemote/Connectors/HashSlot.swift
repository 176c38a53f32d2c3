/// The slot of a cluster that a key belongs to.
///
/// - Source: Redis cluster specification, "Key distribution model".
internal enum HashSlot {
    /// How many slots a cluster has.
    static let count = 16_384

    /// The slot of a key: of what is between its first braces, if there is something.
    static func of(_ key: [UInt8]) -> Int {
        var hashed = key[...]
        if let open = key.firstIndex(of: UInt8(ascii: "{")) {
            let rest = key[(open + 1)...]
            if let close = rest.firstIndex(of: UInt8(ascii: "}")), close > rest.startIndex {
                hashed = rest[..<close]
            }
        }
        return Int(hashed.reduce(UInt16(0)) { sum, byte in checksum(sum, byte) }) % count
    }

    /// CRC-16/XMODEM, byte by byte.
    private static func checksum(_ sum: UInt16, _ byte: UInt8) -> UInt16 {
        var sum = sum ^ UInt16(byte) << 8
        for _ in 0..<8 { sum = sum & 0x8000 != 0 ? sum << 1 ^ 0x1021 : sum << 1 }
        return sum
    }
}
