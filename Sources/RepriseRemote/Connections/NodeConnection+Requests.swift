public import RepriseCore
public import RepriseWire

extension NodeConnection {
    /// Stores a value and tells whether the node has kept it: by asking for the key afterwards over lm, where
    /// a put has no reply, and by the reply over RESP.
    ///
    /// - Parameter metadata: Sent verbatim; by default the value is plain bytes. RESP has no place for it.
    /// - Returns: `false` if the node had no room for it.
    /// - Throws: ``RemoteError``; `invalidArgument` for metadata over RESP.
    /// - Complexity: O(bytes).
    public mutating func put(
        _ key: StorageKey,
        _ payload: RawSpan,
        metadata: MemoryObjectMetadata? = nil
    ) throws(RemoteError) -> Bool {
        try perform { (lm) throws(RemoteError) in
            try lm.put(key, payload, metadata: metadata)
            return try lm.exists(key)
        } _: { (resp) throws(RemoteError) in
            guard metadata == nil else {
                throw RemoteError(.invalidArgument, "a value stored over RESP has no shape; use lm://")
            }
            do throws(RemoteError) {
                try resp.put(key, payload)
            } catch  where error.isNoRoom {
                return false
            }
            return true
        }
    }

    /// Stores values of one size that lie one behind the other, in order, without waiting in between.
    ///
    /// A value that the node has no room for is no error; ask for it to know.
    ///
    /// - Precondition: `payloads` has as many bytes as keys and size ask for.
    /// - Throws: ``RemoteError``.
    public mutating func putAll(
        _ keys: [StorageKey],
        _ payloads: RawSpan,
        payloadByteCount: Int
    ) throws(RemoteError) {
        precondition(payloads.byteCount == keys.count * payloadByteCount, "keys and payloads do not match")
        try perform { (lm) throws(RemoteError) in
            for (index, key) in keys.enumerated() {
                let start = index * payloadByteCount
                try lm.put(key, payloads.extracting(start..<(start + payloadByteCount)))
            }
        } _: { (resp) throws(RemoteError) in
            _ = try resp.putAll(keys, payloads, payloadByteCount: payloadByteCount)
        }
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
        // Not by `perform`: two closures would both hold the buffer.
        if lm != nil { return try lm!.get(key, into: &buffer, limit: limit)?.payloadByteCount }
        return try resp!.get(key, into: &buffer, limit: limit)
    }

    /// Asks whether a key is stored; over the wire this counts as a use of it.
    ///
    /// - Throws: ``RemoteError``.
    public mutating func exists(_ key: StorageKey) throws(RemoteError) -> Bool {
        try perform { (lm) throws(RemoteError) in
            try lm.exists(key)
        } _: { (resp) throws(RemoteError) in
            try resp.exists(key)
        }
    }

    /// Removes a key, and returns whether it was stored.
    ///
    /// - Throws: ``RemoteError``.
    public mutating func remove(_ key: StorageKey) throws(RemoteError) -> Bool {
        try perform { (lm) throws(RemoteError) in
            try lm.remove(key)
        } _: { (resp) throws(RemoteError) in
            try resp.remove(key)
        }
    }

    /// Fetches all keys, in no particular order.
    ///
    /// - Throws: ``RemoteError``.
    public mutating func list() throws(RemoteError) -> [StorageKey] {
        try perform { (lm) throws(RemoteError) in
            try lm.list()
        } _: { (resp) throws(RemoteError) in
            try resp.list()
        }
    }

    /// Asks whether the node answers.
    ///
    /// - Throws: ``RemoteError``; `rejected` when it answers that it is not well.
    public mutating func ping() throws(RemoteError) {
        try perform { (lm) throws(RemoteError) in
            try lm.ping()
        } _: { (resp) throws(RemoteError) in
            try resp.ping()
        }
    }

    /// Fetches the node's statistics: lm's STAT, or all sections of RESP's INFO.
    ///
    /// - Throws: ``RemoteError``.
    public mutating func statistics() throws(RemoteError) -> NodeStatistics {
        try perform { (lm) throws(RemoteError) in
            NodeStatistics(.prometheus, try lm.statistics())
        } _: { (resp) throws(RemoteError) in
            NodeStatistics(.info, try resp.info())
        }
    }

    /// Sends the same command for every key without waiting in between, and hands out the replies in the
    /// keys' order; see ``LMConnection/pipeline(_:_:into:limit:onReply:)``.
    ///
    /// - Parameters:
    ///   - command: `get`, `exist` or `remove`.
    ///   - buffer: Where each payload goes; it grows only when it is too small.
    ///   - limit: The most bytes of one payload; a larger one closes the connection.
    ///   - onReply: Takes the key's index, whether it was a hit, and the payload, valid during the call.
    /// - Throws: ``RemoteError``; `invalidArgument` before anything is sent.
    public mutating func pipeline(
        _ command: LMCommand,
        _ keys: [StorageKey],
        into buffer: inout TransferBuffer,
        limit: Int = LMLimits.payloadByteCountMax,
        onReply: (_ index: Int, _ isHit: Bool, _ payload: RawSpan) -> Void
    ) throws(RemoteError) {
        guard lm != nil else {
            return try resp!.pipeline(command, keys, into: &buffer, limit: limit, onReply: onReply)
        }
        try lm!.pipeline(command, keys, into: &buffer, limit: limit) { index, reply, payload in
            onReply(index, reply != nil, payload)
        }
    }
}
