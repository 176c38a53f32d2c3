import RepriseCore
import RepriseWire

extension TestClient {
    /// The bytes of a request's header.
    func request(
        _ command: LMCommand,
        _ key: StorageKey = "k",
        metadata: MemoryObjectMetadata = .lmEmpty,
        byteCount: Int = 0
    ) throws -> [UInt8] {
        try LMRequest(command, key: key, metadata: metadata, payloadByteCount: byteCount).encoded(
            dialect: dialect
        )
    }

    /// The bytes of a PUT with its payload; plain bytes unless metadata is given.
    func putRequest(
        _ key: StorageKey,
        _ payload: [UInt8],
        metadata: MemoryObjectMetadata? = nil
    ) throws -> [UInt8] {
        let metadata = metadata ?? .plain(byteCount: payload.count)
        return try request(.put, key, metadata: metadata, byteCount: payload.count) + payload
    }

    /// Sends a PUT.
    func put(_ key: StorageKey, _ payload: [UInt8], metadata: MemoryObjectMetadata? = nil) throws {
        try send(try putRequest(key, payload, metadata: metadata))
    }

    /// Receives a reply's header.
    func receiveHeader() throws -> LMReplyHeader {
        let bytes = try receive(dialect.replyHeaderByteCount)
        return try LMReplyHeader.decode(bytes.rawSpan, dialect: dialect)
    }

    /// Receives a reply.
    func receiveReply() throws -> Reply {
        let header = try receiveHeader()
        return Reply(header: header, payload: try receive(header.payloadByteCount))
    }

    /// Fetches a value, `nil` on a miss.
    func get(_ key: StorageKey) throws -> [UInt8]? {
        try send(try request(.get, key))
        let reply = try receiveReply()
        return reply.header.code == .success ? reply.payload : nil
    }

    /// Sends a request without payload and returns whether the reply says success.
    func ask(_ command: LMCommand, _ key: StorageKey = "k") throws -> Bool {
        try send(try request(command, key))
        return try receiveReply().header.code == .success
    }

    /// Fetches text: the keys or the statistics.
    func text(_ command: LMCommand) throws -> String {
        try send(try request(command))
        return String(decoding: try receiveReply().payload, as: UTF8.self)
    }
}

/// Bytes that tell where they came from: no two words of one or of different seeds are alike.
func payload(seed: Int, _ byteCount: Int) -> [UInt8] {
    payload(firstWord: UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 | 1, byteCount)
}

/// Whether bytes are all of one payload, at least eight of them.
func isWhole(_ bytes: [UInt8]) -> Bool {
    bytes == payload(firstWord: bytes.rawSpan.loadLittleEndian(at: 0, as: UInt64.self), bytes.count)
}

private func payload(firstWord: UInt64, _ byteCount: Int) -> [UInt8] {
    let wordCount = (byteCount + 7) / 8
    var word = firstWord
    // SAFETY: the capacity is that of whole words, and every one is written.
    var bytes = unsafe [UInt8](unsafeUninitializedCapacity: wordCount * 8) { buffer, initializedCount in
        let raw = UnsafeMutableRawBufferPointer(buffer)
        var offset = 0
        while offset < wordCount * 8 {
            unsafe raw.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            word &+= 0xBF58_476D_1CE4_E5B9
            offset += 8
        }
        initializedCount = wordCount * 8
    }
    bytes.removeLast(wordCount * 8 - byteCount)
    return bytes
}
