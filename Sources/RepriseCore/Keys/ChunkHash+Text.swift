extension ChunkHash: CustomStringConvertible {
    /// Reads a hash from the text that a key carries.
    ///
    /// - Throws: ``KeyError`` `invalidHash` if the text is empty or holds `@` or anything but visible ASCII.
    public init(text: some StringProtocol) throws(KeyError) {
        try self.init(textBytes: Array(text.utf8)[...])
    }

    internal init(textBytes: ArraySlice<UInt8>) throws(KeyError) {
        if let digest = ChunkHash.digest(from: textBytes) {
            self.init(digest)
        } else if let content = ChunkHash.integer(from: textBytes) {
            self.init(content: content)
        } else if !textBytes.isEmpty
            && textBytes.allSatisfy({ (0x21...0x7E).contains($0) && $0 != KeyText.at })
        {
            self.init(content: .text(Array(textBytes)))
        } else {
            throw KeyError(.invalidHash, "a chunk hash is one or more visible ASCII characters without '@'")
        }
    }

    /// The hash as keys carry it: lowercase hexadecimal, unless it came from a text of another kind.
    public var text: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Same as ``text``.
    public var description: String { text }

    /// Whether the text is lowercase hexadecimal with at most a minus sign before it.
    internal var isHexadecimal: Bool {
        guard case .text(let bytes) = content else { return true }
        let digits = bytes.first == KeyText.minus ? bytes.dropFirst() : bytes[...]
        return !digits.isEmpty && digits.allSatisfy { KeyText.hexValue($0) != nil }
    }

    /// Appends the text's bytes.
    package func append(to bytes: inout [UInt8]) {
        switch content {
        case .integer(let magnitude, let isNegative):
            if isNegative { bytes.append(KeyText.minus) }
            let digitCount = max(1, (UInt64.bitWidth - magnitude.leadingZeroBitCount + 3) / 4)
            KeyText.appendHex(magnitude, digitCount: digitCount, to: &bytes)
        case .digest(let digest):
            let words = digest.bigEndianWords
            KeyText.appendHex(words.0, digitCount: 16, to: &bytes)
            KeyText.appendHex(words.1, digitCount: 16, to: &bytes)
            KeyText.appendHex(words.2, digitCount: 16, to: &bytes)
            KeyText.appendHex(words.3, digitCount: 16, to: &bytes)
        case .text(let text):
            bytes.append(contentsOf: text)
        }
    }

    private static func digest(from text: ArraySlice<UInt8>) -> ChunkDigest? {
        guard text.count == 2 * ChunkDigest.byteCount else { return nil }
        let start = text.startIndex
        guard let word0 = KeyText.hexWord(text[start..<(start + 16)]),
            let word1 = KeyText.hexWord(text[(start + 16)..<(start + 32)]),
            let word2 = KeyText.hexWord(text[(start + 32)..<(start + 48)]),
            let word3 = KeyText.hexWord(text[(start + 48)..<(start + 64)])
        else { return nil }
        return ChunkDigest(bigEndianWords: word0, word1, word2, word3)
    }

    private static func integer(from text: ArraySlice<UInt8>) -> Content? {
        let isNegative = text.first == KeyText.minus
        let digits = isNegative ? text.dropFirst() : text
        guard digits.first != KeyText.zero || (digits.count == 1 && !isNegative) else { return nil }
        return KeyText.hexWord(digits).map { .integer(magnitude: $0, isNegative: isNegative) }
    }
}
