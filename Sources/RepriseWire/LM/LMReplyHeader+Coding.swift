internal import RepriseCore

extension LMReplyHeader {
    /// The header in a dialect's bytes.
    ///
    /// - Complexity: O(1); allocates the array.
    public func encoded(dialect: LMDialect) -> [UInt8] {
        [UInt8](byteCount: dialect.replyHeaderByteCount) { encode(dialect: dialect, into: &$0) }
    }

    /// Writes the header over the start of an array that is used again and again, without allocating.
    ///
    /// - Precondition: `bytes` has room for ``LMDialect/replyHeaderByteCount`` bytes, or this traps.
    public func encode(dialect: LMDialect, over bytes: inout [UInt8]) {
        bytes.overwrite { encode(dialect: dialect, into: &$0) }
    }

    /// Writes the header to the start of `bytes`, every byte of it, without allocating.
    ///
    /// - Precondition: `bytes` has room for ``LMDialect/replyHeaderByteCount`` bytes, or this traps.
    public func encode(dialect: LMDialect, into bytes: inout MutableRawSpan) {
        bytes.storeLittleEndian(code.rawValue, at: 0)
        bytes.storeLittleEndian(Int32(payloadByteCount), at: 4)
        guard dialect != .v0 else { return }
        bytes.storeLittleEndian(metadata.formatCode, at: 8)
        bytes.storeLittleEndian(metadata.dtypeCode, at: 12)
        bytes.storeLittleEndian(metadata.lmShapeWords, at: 16)
        // Unlike in a request, the location comes last; 0 is none.
        if dialect == .current { bytes.storeLittleEndian(0, at: 32) }
    }

    /// Reads the header at the start of `bytes`.
    ///
    /// - Throws: ``WireError`` — `tooShort` if the header is not all there; `badReply` if the code is
    ///   unknown, or is a failure with a payload; `badLength` if the length is negative. Only the first is
    ///   worth waiting for.
    /// - Complexity: O(1); does not allocate.
    public static func decode(_ bytes: RawSpan, dialect: LMDialect) throws(WireError) -> LMReplyHeader {
        guard bytes.byteCount >= dialect.replyHeaderByteCount else {
            let needed = dialect.replyHeaderByteCount
            throw WireError(.tooShort, "\(bytes.byteCount) bytes of a reply's \(needed); read on")
        }
        let number = bytes.loadLittleEndian(at: 0, as: Int32.self)
        guard let code = LMReplyCode(rawValue: number) else {
            throw WireError(
                .badReply,
                "reply with the code \(number); lm:// has 200 and 400; close the connection"
            )
        }
        let length = bytes.loadLittleEndian(at: 4, as: Int32.self)
        guard length >= 0 else {
            throw WireError(.badLength, "reply with a length of \(length); close the connection")
        }
        guard code == .success || length == 0 else {
            throw WireError(.badReply, "a failure with \(length) bytes of payload; close the connection")
        }
        let metadata: MemoryObjectMetadata =
            dialect == .v0
            ? .lmV0(payloadByteCount: Int(length))
            : MemoryObjectMetadata(lmFormatAt: 8, shapeAt: 16, of: bytes)
        return LMReplyHeader(code, payloadByteCount: Int(length), metadata: metadata)
    }
}
