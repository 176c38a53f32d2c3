internal import RepriseCore

extension RESPReplyDecoder {
    /// Reads the scalar, or the header of the aggregate, at `offset`, and moves past it if it is whole.
    internal mutating func nextItem(
        _ bytes: RawSpan,
        from offset: inout Int,
        announcingPayload: Bool
    ) throws(WireError) -> Item {
        guard offset < bytes.byteCount else { return .incomplete(needs: 1) }
        let type = bytes.loadByte(at: offset)
        guard RESPReplyDecoder.isType(type) else {
            throw WireError(.badReply, "a reply begins with the byte \(type); is this a RESP server?")
        }
        guard let end = try lineEnd(bytes, from: offset) else {
            return .incomplete(needs: bytes.byteCount - offset + 1)
        }
        let line = RESPReplyLine(type: type, text: bytes.extracting((offset + 1)..<end))
        guard let byteCount = try line.stringByteCount() else {
            offset = end + 2
            return try line.item()
        }
        if type == UInt8(ascii: "$"), announcingPayload, frames.isEmpty {
            guard byteCount <= limits.payloadByteCountMax else {
                let limit = limits.payloadByteCountMax
                throw WireError(.tooLarge, "a string of \(byteCount) bytes; the limit is \(limit)")
            }
            offset = end + 2
            return .payload(byteCount: byteCount)
        }
        return try string(type, byteCount, bytes, from: &offset, contentAt: end + 2)
    }

    private static func isType(_ byte: UInt8) -> Bool {
        switch Unicode.Scalar(byte) {
        case "+", "-", ":", "$", "*", "_", ",", "#", "!", "=", "(", "%", "~", ">", "|": true
        default: false
        }
    }

    /// Where the line at `offset` ends, before its CR and LF; `nil` if it goes on beyond the bytes.
    private mutating func lineEnd(_ bytes: RawSpan, from offset: Int) throws(WireError) -> Int? {
        let first = offset + max(scannedByteCount, 1)
        let limit = offset + 1 + limits.lineByteCountMax
        var end = first
        while end < bytes.byteCount, end <= limit {
            let byte = bytes.loadByte(at: end)
            if byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") { break }
            end += 1
        }
        guard end <= limit else {
            throw WireError(.tooLarge, "a line of more than \(limits.lineByteCountMax) bytes")
        }
        scannedByteCount = end - offset
        guard end < bytes.byteCount else { return nil }
        guard bytes.loadByte(at: end) == UInt8(ascii: "\r") else {
            throw WireError(.badReply, "a line that ends with LF alone")
        }
        guard end + 1 < bytes.byteCount else { return nil }
        try checkLineEnd(bytes, at: end)
        return end
    }

    /// Refuses anything but CR and LF.
    internal func checkLineEnd(_ bytes: RawSpan, at offset: Int) throws(WireError) {
        guard bytes.loadLittleEndian(at: offset, as: UInt16.self) == 0x0A0D else {
            throw WireError(.badReply, "CR and LF are missing where a line or string must end")
        }
    }

    /// Reads a bulk string, bulk error or verbatim string whose content begins at `start`.
    private func string(
        _ type: UInt8,
        _ byteCount: Int,
        _ bytes: RawSpan,
        from offset: inout Int,
        contentAt start: Int
    ) throws(WireError) -> Item {
        try checkReplyByteCount(byteCount)
        guard bytes.byteCount - start >= byteCount + 2 else {
            return .incomplete(needs: start - offset + byteCount + 2)
        }
        try checkLineEnd(bytes, at: start + byteCount)
        let content = [UInt8](copying: bytes.extracting(start..<(start + byteCount)))
        offset = start + byteCount + 2
        switch type {
        case UInt8(ascii: "$"): return .value(.bulkString(content))
        case UInt8(ascii: "!"): return .value(.error(String(decoding: content, as: UTF8.self)))
        default:
            guard content.count >= 4, content[3] == UInt8(ascii: ":") else {
                throw WireError(.badReply, "a verbatim string without its format")
            }
            let format = String(decoding: content[..<3], as: UTF8.self)
            return .value(.verbatimString(format: format, bytes: Array(content[4...])))
        }
    }
}
