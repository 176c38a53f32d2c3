internal import RepriseCore

/// The 150-byte key field that ends each request: text, padded with spaces.
enum LMKeyField {
    private static let eightSpaces: UInt64 = 0x2020_2020_2020_2020

    /// Whether both ends of the wire strip a byte from a key's ends: ASCII white space as Python counts it.
    static func isWhiteSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte) || (0x1C...0x1F).contains(byte)
    }

    /// Reads the key, stripped.
    ///
    /// - Throws: ``WireError`` — `badKey` if nothing is left and `required`, or what is left is not UTF-8.
    /// - Complexity: O(150); allocates the key's bytes and nothing else.
    static func decode(_ field: RawSpan, required: Bool) throws(WireError) -> StorageKey {
        var start = 0
        var end = field.byteCount
        // Most of the field is padding: eight spaces at a time.
        while end >= 8, field.loadLittleEndian(at: end - 8, as: UInt64.self) == eightSpaces { end -= 8 }
        while end > start, isWhiteSpace(field.loadByte(at: end - 1)) { end -= 1 }
        while start < end, isWhiteSpace(field.loadByte(at: start)) { start += 1 }
        guard start < end else {
            if required { throw WireError(.badKey, "the key field is blank; the command needs a key") }
            return StorageKey([UInt8]())
        }
        let bytes = [UInt8](copying: field.extracting(start..<end))
        guard isText(bytes) else { throw WireError(.badKey, "the key is not UTF-8; send it as UTF-8 text") }
        return StorageKey(bytes)
    }

    /// Checks that a key comes back from the wire as it is, and that no dialect is mistaken for another by
    /// it.
    ///
    /// - Throws: ``WireError`` — `tooLarge` over 150 bytes, else `badKey`.
    static func check(_ bytes: [UInt8], required: Bool) throws(WireError) {
        guard bytes.count <= LMLimits.keyByteCountMax else {
            let limit = LMLimits.keyByteCountMax
            throw WireError(.tooLarge, "a key of \(bytes.count) bytes; lm:// carries at most \(limit)")
        }
        guard let first = bytes.first, let last = bytes.last else {
            if required { throw WireError(.badKey, "the key is empty; the command needs one") }
            return
        }
        guard !isWhiteSpace(first), !isWhiteSpace(last) else {
            throw WireError(.badKey, "the key begins or ends with white space, which lm:// strips")
        }
        guard bytes.prefix(4).allSatisfy({ $0 >= 0x20 }) else {
            throw WireError(.badKey, "a control character within the key's first 4 bytes hides the dialect")
        }
        guard isText(bytes) else { throw WireError(.badKey, "the key is not UTF-8; lm:// keys are text") }
    }

    private static func isText(_ bytes: [UInt8]) -> Bool {
        (try? UTF8Span(validating: bytes.span)) != nil
    }
}
