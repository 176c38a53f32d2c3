internal import RepriseCore
internal import RepriseWire

/// Encoded requests, and how far they are sent.
internal struct RESPPipelinedRequests {
    let bytes: [UInt8]
    /// Where each request ends.
    private let ends: [Int]
    private(set) var sentByteCount = 0
    /// Requests sent to their last byte.
    private(set) var sentCount = 0

    init(_ word: [UInt8], _ keys: [StorageKey]) {
        self.init(keys.lazy.map { [word, $0.bytes] })
    }

    init(_ commands: some Collection<[[UInt8]]>) {
        var (bytes, ends) = ([UInt8](), [Int]())
        ends.reserveCapacity(commands.count)
        for words in commands {
            RESPCommandEncoding.append(words, to: &bytes)
            ends.append(bytes.count)
        }
        (self.bytes, self.ends) = (bytes, ends)
    }

    var count: Int { ends.count }

    /// Where a request ends.
    func end(of index: Int) -> Int { ends[index] }

    /// Counts bytes that were sent.
    mutating func advance(by byteCount: Int) {
        sentByteCount += byteCount
        while sentCount < ends.count, ends[sentCount] <= sentByteCount { sentCount += 1 }
    }
}

/// What is known of the replies to values that were sent.
internal struct RESPPutReplies {
    var outstandingCount = 0
    var noRoomCount = 0
    /// The first error reply that is not for want of room.
    var rejection: RemoteError?
}

extension RemoteError {
    /// Whether a RESP server said that it has no room; `OOM` is Redis' word for it.
    internal var isNoRoom: Bool { code == .rejected && message.hasPrefix("OOM ") }
}
