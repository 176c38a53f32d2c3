internal import RepriseCore
internal import RepriseWire

// Values with what is needed to prove or to describe them, straight from and to objects.
extension RESPConnection {
    /// Bytes whose checksum is taken while they are in the processor's cache, between two system calls.
    private static let pieceByteCount = 256 << 10
    /// What is not a value that we asked for is read and dropped up to this size; beyond it, the connection
    /// is closed.
    private static let discardedByteCountMax = 64 << 10

    /// Stores an object as one record; see ``RemoteRecord``.
    mutating func putRecord(
        _ storedKey: StorageKey,
        key: StorageKey,
        _ object: MemoryObject
    ) throws(RemoteError) {
        try checkKey(storedKey)
        let bytes = object.bytes
        let record = RemoteRecord(
            key: key.bytes,
            metadata: object.metadata,
            payloadByteCount: bytes.byteCount
        )
        let header = record.encodedHeader
        let leading = [RESPConnection.set, storedKey.bytes]
        let command = RESPCommandEncoding.split(leading, payloadByteCount: record.byteCount)
        var head = command.head + header
        var checksum = CRC32C.of(header.rawSpan)
        var offset = 0
        while true {
            let end = min(offset + RESPConnection.pieceByteCount, bytes.byteCount)
            let piece = bytes.extracting(offset..<end)
            checksum = CRC32C.of(piece, continuing: checksum)
            guard end == bytes.byteCount else {
                try send(head.rawSpan, piece)
                (head, offset) = ([], end)
                continue
            }
            var tail: [UInt8] = []
            tail.append(littleEndian: checksum)
            tail += command.tail
            try send(head.rawSpan, piece, tail.rawSpan)
            break
        }
        try receivePutReply()
    }

    /// Fetches an object that was stored as one record.
    mutating func getRecord(
        _ storedKey: StorageKey,
        key: StorageKey,
        _ allocate: RemoteAllocation
    ) throws(RemoteError) -> RemoteValue {
        guard let byteCount = try announce(storedKey) else { return .absent }
        let headerByteCount = RemoteRecord.headerByteCount(keyByteCount: key.bytes.count)
        guard byteCount >= headerByteCount + RemoteRecord.trailerByteCount else {
            return try discard(byteCount)
        }
        let header = try takeBytes(headerByteCount)
        guard let record = RemoteRecord.decode(header.rawSpan, recordByteCount: byteCount),
            record.key == key.bytes
        else { return try discard(byteCount - headerByteCount) }
        guard let object = allocate(record.payloadByteCount, record.metadata) else {
            close()
            return .outOfMemory
        }
        do throws(RemoteError) {
            let checksum = try take(into: object, continuing: CRC32C.of(header.rawSpan))
            let trailer = try takeBytes(RemoteRecord.trailerByteCount)
            try endPayload()
            if trailer.rawSpan.loadLittleEndian(at: 0, as: UInt32.self) == checksum { return .found(object) }
        } catch {
            object.release()
            throw error
        }
        object.release()
        return .corrupt
    }

    /// Receives the whole of an object, and returns the checksum of what came before and of it.
    private mutating func take(
        into object: MemoryObject,
        continuing checksum: UInt32
    ) throws(RemoteError) -> UInt32 {
        var (checksum, offset) = (checksum, 0)
        while offset < object.byteCount {
            let byteCount = min(RESPConnection.pieceByteCount, object.byteCount - offset)
            try take(byteCount, into: object, at: offset)
            checksum = CRC32C.of(
                object.bytes.extracting(offset..<(offset + byteCount)),
                continuing: checksum
            )
            offset += byteCount
        }
        return checksum
    }

    /// Fetches a short value; `nil` on a miss.
    ///
    /// - Parameter limit: A longer value closes the connection.
    mutating func getBytes(_ storedKey: StorageKey, limit: Int) throws(RemoteError) -> [UInt8]? {
        guard let byteCount = try announce(storedKey) else { return nil }
        guard byteCount <= limit else {
            close()
            throw RemoteError(.tooLarge, "a value of \(byteCount) bytes; the limit is \(limit)")
        }
        let bytes = try takeBytes(byteCount)
        try endPayload()
        return bytes
    }

    /// Fetches a value that has to have the size that it is said to have.
    mutating func getObject(
        _ storedKey: StorageKey,
        byteCount: Int,
        _ metadata: MemoryObjectMetadata,
        _ allocate: RemoteAllocation
    ) throws(RemoteError) -> RemoteValue {
        guard let announced = try announce(storedKey) else { return .absent }
        guard announced == byteCount else { return try discard(announced) }
        guard let object = allocate(byteCount, metadata) else {
            close()
            return .outOfMemory
        }
        do throws(RemoteError) {
            try take(byteCount, into: object, at: 0)
            try endPayload()
            return .found(object)
        } catch {
            object.release()
            throw error
        }
    }

    /// Asks for a value and receives its size; `nil` on a miss.
    private mutating func announce(_ storedKey: StorageKey) throws(RemoteError) -> Int? {
        try checkKey(storedKey)
        try send(RESPCommandEncoding.encode([RESPKeyCommand.get.word, storedKey.bytes]).rawSpan)
        return try receiveAnnouncement()
    }

    /// Drops what is left of a payload.
    private mutating func discard(_ byteCount: Int) throws(RemoteError) -> RemoteValue {
        guard byteCount <= RESPConnection.discardedByteCountMax else {
            close()
            return .corrupt
        }
        _ = try takeBytes(byteCount)
        try endPayload()
        return .corrupt
    }
}
