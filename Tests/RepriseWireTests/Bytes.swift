/// The bytes that pairs of hexadecimal digits stand for.
func bytes(hex: String) -> [UInt8] {
    let digits = hex.utf8.map { UInt8($0 <= 0x39 ? $0 - 0x30 : $0 - 0x57) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// So many spaces, with which key fields are padded.
func spaces(_ count: Int) -> [UInt8] {
    [UInt8](repeating: 0x20, count: count)
}
