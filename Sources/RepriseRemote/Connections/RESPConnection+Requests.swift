public import RepriseCore
public import RepriseWire

extension RESPConnection {
    /// Stores a value, and waits until the server says that it has.
    ///
    /// The payload leaves from where it lies.
    ///
    /// - Throws: ``RemoteError``; `rejected` when the server has no room (`OOM`) or does not want it.
    /// - Complexity: O(bytes); blocks until the reply is there.
    public mutating func put(_ key: StorageKey, _ payload: RawSpan) throws(RemoteError) {
        try checkKey(key)
        let leading = [RESPConnection.set, key.bytes]
        let command = RESPCommandEncoding.split(leading, payloadByteCount: payload.byteCount)
        try send(command.head.rawSpan, payload, command.tail.rawSpan)
        try receivePutReply()
    }

    /// Fetches a value into the start of `buffer`, which grows when it is too small for the value and
    /// ``receiveMarginByteCount`` bytes more.
    ///
    /// - Parameter limit: The most bytes accepted; a larger value closes the connection.
    /// - Returns: The value's size, whose bytes now begin the buffer, or `nil` on a miss.
    /// - Throws: ``RemoteError``.
    public mutating func get(
        _ key: StorageKey,
        into buffer: inout TransferBuffer,
        limit: Int = LMLimits.payloadByteCountMax
    ) throws(RemoteError) -> Int? {
        try checkKey(key)
        try send(RESPCommandEncoding.encode([RESPKeyCommand.get.word, key.bytes]).rawSpan)
        return try receiveValue(into: &buffer, limit: limit)
    }

    /// Asks whether a key is stored.
    ///
    /// - Throws: ``RemoteError``.
    public mutating func exists(_ key: StorageKey) throws(RemoteError) -> Bool {
        try checkKey(key)
        try send(RESPCommandEncoding.encode([RESPKeyCommand.exists.word, key.bytes]).rawSpan)
        return try receiveFlag()
    }

    /// Removes a key, and returns whether it was stored.
    ///
    /// - Throws: ``RemoteError``.
    public mutating func remove(_ key: StorageKey) throws(RemoteError) -> Bool {
        try checkKey(key)
        try send(RESPCommandEncoding.encode([RESPKeyCommand.remove.word, key.bytes]).rawSpan)
        return try receiveFlag()
    }

    /// Asks whether the server answers.
    ///
    /// - Throws: ``RemoteError``; `rejected` when it answers that it cannot serve.
    public mutating func ping() throws(RemoteError) {
        let answer = try call([Array("PING".utf8)])
        guard answer.bytes == Array("PONG".utf8) else {
            throw violation("PING is answered by \(answer.kind)")
        }
    }

    /// Fetches what the server says of itself, in all sections of INFO.
    ///
    /// - Throws: ``RemoteError``.
    public mutating func info() throws(RemoteError) -> String {
        let text = try info(section: "everything")
        // Redis has this word since version 6, and before it nothing of that name.
        return text.isEmpty ? try info(section: "all") : text
    }

    private mutating func info(section: String) throws(RemoteError) -> String {
        let answer = try call([Array("INFO".utf8), Array(section.utf8)])
        guard let bytes = answer.bytes else { throw violation("INFO is answered by \(answer.kind)") }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Refuses a key that is longer than is sent; the connection stays as it is.
    internal func checkKey(_ key: StorageKey) throws(RemoteError) {
        guard key.bytes.count <= RESPConnection.keyByteCountMax else {
            let limit = RESPConnection.keyByteCountMax
            throw RemoteError(.invalidArgument, "a key of \(key.bytes.count) bytes; the limit is \(limit)")
        }
    }

    internal static let set = Array("SET".utf8)

    /// Receives what SET is answered by.
    internal mutating func receivePutReply() throws(RemoteError) {
        let answer = try receiveAnswer()
        guard answer == .simpleString("OK") else { throw violation("SET is answered by \(answer.kind)") }
    }

    /// Receives what GET is answered by.
    internal mutating func receiveValue(
        into buffer: inout TransferBuffer,
        limit: Int
    ) throws(RemoteError) -> Int? {
        guard let byteCount = try receiveAnnouncement() else { return nil }
        try receivePayload(byteCount, into: &buffer, limit: limit)
        return byteCount
    }

    /// Receives what GET is answered by up to the value, which is to be taken; `nil` on a miss.
    internal mutating func receiveAnnouncement() throws(RemoteError) -> Int? {
        switch try receiveStep(announcingPayload: true) {
        case .payload(let byteCount): return byteCount
        case .reply(.null): return nil
        case .reply(.error(let text)): throw RemoteError(.rejected, text)
        case .reply(let value): throw violation("GET is answered by \(value.kind)")
        case .needsBytes, .payloadEnd: throw violation("a payload's end without a payload")
        }
    }

    /// Receives what EXISTS and DEL are answered by for one key.
    internal mutating func receiveFlag() throws(RemoteError) -> Bool {
        switch try receiveAnswer() {
        case .integer(0): return false
        case .integer(1): return true
        case let value: throw violation("EXISTS or DEL of one key is answered by \(value.kind)")
        }
    }
}
