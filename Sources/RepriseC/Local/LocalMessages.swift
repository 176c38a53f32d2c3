internal import RepriseCore
internal import RepriseWire

/// Messages to a node and their answers, for parts of batches.
enum LocalMessages {
    /// The parts of a batch whose keys fit into one message each.
    ///
    /// - Parameter extra: Bytes that the message has for each key beside the key.
    static func ranges(of keys: KeyTable, extra: Int = 0) -> [Range<Int>] {
        Windows.split(
            count: keys.count,
            byteCountMax: LocalLimits.bodyByteCountMax,
            countMax: LocalLimits.elementCountMax
        ) { 2 + extra + keys.byteCount(at: $0) }
    }

    /// A message of some keys.
    ///
    /// - Precondition: they fit, or this traps.
    static func keys(
        _ operation: LocalOperation,
        _ keys: KeyTable,
        _ indices: some Collection<Int>,
        _ connection: Connection,
        flags: LocalHeader.Flags = [],
        argument: UInt64 = 0,
        prefix: [UInt8] = []
    ) -> [UInt8] {
        var writer = LocalKeysWriter(prefixByteCountPerKey: prefix.count / max(1, indices.count))
        for index in indices {
            let isAdded = keys.withBytes(at: index) { writer.append($0) }
            precondition(isAdded, "keys that do not fit into a message")
        }
        return writer.encoded(
            operation,
            identifier: connection.makeIdentifier(),
            flags: flags,
            argument: argument,
            prefix: prefix
        )
    }

    /// The status at a position of an answer.
    static func status(at position: Int, of reply: LocalReply) throws(CallError) -> LocalStatus {
        do throws(WireError) {
            return try LocalNumbers.status(at: position, of: reply.body.rawSpan)
        } catch {
            throw CallError(.protocolError, "the node's answer: \(error.message)")
        }
    }

    /// What a status of a node is to a caller.
    static func result(of status: LocalStatus) -> Status {
        switch status {
        case .ok: .ok
        case .missing: .missing
        case .malformed, .wrongVersion: .protocolError
        case .notPermitted: .refused
        case .tooLarge, .noRoom, .limitReached, .later, .notStored: .noRoom
        // A reservation that has become too old while it was filled.
        case .unknownIdentifier: .timeout
        }
    }
}
