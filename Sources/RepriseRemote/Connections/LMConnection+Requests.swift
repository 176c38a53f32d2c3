public import RepriseCore
public import RepriseWire

extension LMConnection {
    /// Sends a value. The protocol has no reply to it: only a later ``exists(_:)`` tells whether it was kept.
    ///
    /// - Parameter metadata: Sent verbatim; by default the value is plain bytes.
    /// - Throws: ``RemoteError``; `invalidArgument` for a key over 150 bytes or one that the wire would
    ///   change, a payload over 2 GiB - 1, or one whose size is not that of shape and element type.
    /// - Complexity: O(bytes); blocks while the peer's buffers are full.
    public mutating func put(
        _ key: StorageKey,
        _ payload: RawSpan,
        metadata: MemoryObjectMetadata? = nil
    ) throws(RemoteError) {
        let byteCount = payload.byteCount
        let header = try encode(.put, key, metadata ?? .plain(byteCount: byteCount), byteCount: byteCount)
        try send(header, payload)
    }

    /// Fetches a value into the start of `buffer`, which grows only when it is too small.
    ///
    /// - Parameter limit: The most bytes accepted; a larger value closes the connection.
    /// - Returns: The reply, whose `payloadByteCount` bytes now begin the buffer, or `nil` on a miss.
    /// - Throws: ``RemoteError``.
    public mutating func get(
        _ key: StorageKey,
        into buffer: inout TransferBuffer,
        limit: Int = LMLimits.payloadByteCountMax
    ) throws(RemoteError) -> LMReplyHeader? {
        try send(try encode(.get, key))
        let header = try receiveHeader()
        guard header.code == .success else { return nil }
        try checkShape(header)
        try receivePayload(header, into: &buffer, limit: limit)
        return header
    }

    /// Asks whether a key is stored.
    ///
    /// - Throws: ``RemoteError``.
    public mutating func exists(_ key: StorageKey) throws(RemoteError) -> Bool {
        try send(try encode(.exist, key))
        return try receiveAnswer()
    }

    /// Removes a key, and returns whether it was stored. Ours; LMCache's server closes the connection on it.
    ///
    /// - Throws: ``RemoteError``.
    public mutating func remove(_ key: StorageKey) throws(RemoteError) -> Bool {
        try explaining(.remove) { (connection) throws(RemoteError) in
            try connection.send(try connection.encode(.remove, key))
            return try connection.receiveAnswer()
        }
    }

    /// Asks whether the node answers.
    ///
    /// - Throws: ``RemoteError``; `rejected` when it answers that it is not well.
    public mutating func ping() throws(RemoteError) {
        // LMCache's server parses the key of every request, also of this one.
        try send(try encode(.health, "reprise@1@0@0@bfloat16"))
        guard try receiveAnswer() else {
            throw RemoteError(.rejected, "the node answers, but says it is not healthy")
        }
    }

    /// Fetches all keys, in no particular order. LMCache's servers since 0.2 never answer this.
    ///
    /// - Parameter limit: The most bytes of keys accepted.
    /// - Throws: ``RemoteError``.
    public mutating func list(limit: Int = LMLimits.payloadByteCountMax) throws(RemoteError) -> [StorageKey] {
        let bytes = try text(.list, limit: limit)
        return bytes.split(separator: UInt8(ascii: "\n")).map { StorageKey(Array($0)) }
    }

    /// Fetches the node's statistics in Prometheus' text format. Ours; LMCache's server closes the connection
    /// on it.
    ///
    /// - Throws: ``RemoteError``.
    public mutating func statistics() throws(RemoteError) -> String {
        String(decoding: try text(.stat, limit: LMConnection.statisticsByteCountMax), as: UTF8.self)
    }

    /// The most bytes of statistics accepted.
    public static let statisticsByteCountMax = 16 << 20

    private mutating func text(_ command: LMCommand, limit: Int) throws(RemoteError) -> [UInt8] {
        try explaining(command) { (connection) throws(RemoteError) in
            try connection.send(try connection.encode(command, "reprise@1@0@0@bfloat16"))
            let header = try connection.receiveHeader()
            guard header.code == .success else {
                throw RemoteError(.rejected, "the node cannot answer the command '\(command)'")
            }
            var buffer = TransferBuffer(byteCapacity: 0)
            try connection.receivePayload(header, into: &buffer, limit: limit)
            return [UInt8](copying: buffer.prefix(header.payloadByteCount))
        }
    }

    /// Runs a command that not every lm server has; says so where its failure looks like that.
    private mutating func explaining<Result>(
        _ command: LMCommand,
        _ body: (inout LMConnection) throws(RemoteError) -> Result
    ) throws(RemoteError) -> Result {
        do {
            return try body(&self)
        } catch  where error.code == .closed || error.code == .timedOut {
            let hint = "Reprise nodes answer '\(command)'; LMCache's own server does not"
            throw RemoteError(error.code, "\(error.message) (\(hint))")
        }
    }
}
