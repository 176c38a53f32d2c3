internal import Glibc
internal import RepriseCore
internal import RepriseWire

// SAFETY, whole file: bodies are kept by their reply until the kernel has taken their last byte, and the ring
// is reallocated only between two calls.

/// Replies that wait to be sent on one connection, in order, and how far the first has got.
@safe
struct ReplyQueue: ~Copyable {
    /// What follows a reply's header.
    enum Body {
        case none
        /// A value; the queue holds one reference until the kernel has taken the last byte.
        case object(MemoryObject)
        /// Text made for this reply.
        case text(ReplyText)

        var bytes: UnsafeRawBufferPointer {
            switch self {
            case .none: unsafe UnsafeRawBufferPointer(start: nil, count: 0)
            case .object(let object): unsafe UnsafeRawBufferPointer(object.mutableBytes)
            case .text(let text): unsafe UnsafeRawBufferPointer(text.bytes)
            }
        }
    }

    private struct Reply {
        var header: [36 of UInt8]
        let headerByteCount: Int
        let bodyByteCount: Int
        let body: Body
        var byteCount: Int { headerByteCount + bodyByteCount }
    }

    /// The most memory pieces handed to the kernel in one call.
    static let vectorCountMax = 64
    private static let capacityFirst = 4

    // SAFETY: a ring of `capacity` elements, a power of two, of which `count` from `first` on are
    // initialised. Headers stand still in it while the kernel reads them: it is reallocated in `append` only.
    private var ring: UnsafeMutablePointer<Reply>?
    private var capacity = 0
    private var first = 0
    /// Replies that wait.
    private(set) var count = 0
    private var sentByteCountOfFirst = 0
    /// Bytes of values and texts that the queue holds.
    private(set) var heldByteCount = 0

    deinit {
        precondition(count == 0, "a reply queue is emptied before it goes")
        unsafe ring?.deallocate()
    }

    var isEmpty: Bool { count == 0 }

    /// Adds a reply behind the others; takes over the caller's reference to an object.
    mutating func append(_ header: LMReplyHeader, dialect: LMDialect, body: Body) {
        if count == capacity { grow() }
        let bodyByteCount = unsafe body.bytes.count
        var reply = Reply(
            header: .init(repeating: 0),
            headerByteCount: dialect.replyHeaderByteCount,
            bodyByteCount: bodyByteCount,
            body: body
        )
        var span = reply.header.mutableSpan
        var bytes = unsafe span.mutableBytes
        header.encode(dialect: dialect, into: &bytes)
        heldByteCount += bodyByteCount
        unsafe pointer(at: count).initialize(to: reply)
        count += 1
    }

    /// Hands replies to the kernel until it takes no more, or has taken the turn's share; returns what ended
    /// the attempt, `nil` for neither, and the bytes that went out.
    mutating func send(
        atMostAbout byteCountPerTurn: Int,
        to descriptor: Int32,
        with calls: any SocketCalls,
        vectors: UnsafeMutableBufferPointer<iovec>
    ) -> (result: TransferResult?, sentByteCount: Int) {
        var total = 0
        while !isEmpty, total < byteCountPerTurn {
            let (used, wanted) = unsafe gather(into: vectors)
            let result = unsafe calls.send(descriptor, used)
            guard case .moved(let sent) = result else { return (result, total) }
            total += sent
            advance(by: sent)
            // The kernel took less than it was offered: its buffer is full, and another call would only say
            // so.
            if sent < wanted { return (.wouldBlock, total) }
        }
        return (nil, total)
    }

    /// Lets go of every value that was not sent.
    mutating func removeAll() {
        while !isEmpty { removeFirst() }
        sentByteCountOfFirst = 0
    }

    /// Points the vectors to what is to be sent next.
    private func gather(
        into vectors: UnsafeMutableBufferPointer<iovec>
    ) -> (used: UnsafeMutableBufferPointer<iovec>, byteCount: Int) {
        var used = 0
        var byteCount = 0
        var skipped = sentByteCountOfFirst
        func add(_ piece: UnsafeRawBufferPointer) {
            let offset = min(skipped, piece.count)
            skipped -= offset
            guard piece.count > offset, let base = piece.baseAddress else { return }
            // SAFETY: the kernel only reads, and the bytes stand still until the next change of the queue.
            unsafe vectors[used] = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: base + offset),
                iov_len: piece.count - offset
            )
            used += 1
            byteCount += piece.count - offset
        }
        // A reply takes two vectors at most.
        for index in 0..<min(count, vectors.count / 2) {
            let reply = unsafe pointer(at: index)
            let headerByteCount = unsafe reply.pointee.headerByteCount
            // SAFETY: the header is the reply's first field.
            unsafe add(UnsafeRawBufferPointer(start: reply, count: headerByteCount))
            unsafe add(reply.pointee.body.bytes)
        }
        return (unsafe UnsafeMutableBufferPointer(rebasing: vectors[0..<used]), byteCount)
    }

    private mutating func advance(by byteCount: Int) {
        var rest = byteCount + sentByteCountOfFirst
        while !isEmpty {
            let firstByteCount = unsafe pointer(at: 0).pointee.byteCount
            guard rest >= firstByteCount else { break }
            rest -= firstByteCount
            removeFirst()
        }
        sentByteCountOfFirst = rest
    }

    private mutating func removeFirst() {
        let reply = unsafe pointer(at: 0).move()
        first = (first + 1) & (capacity - 1)
        count -= 1
        heldByteCount -= reply.bodyByteCount
        if case .object(let object) = reply.body { object.release() }
    }

    private func pointer(at index: Int) -> UnsafeMutablePointer<Reply> {
        guard let ring = unsafe ring else { preconditionFailure("an empty reply queue has no replies") }
        // SAFETY: the capacity is a power of two, so the index is masked into the ring.
        return unsafe ring + ((first + index) & (capacity - 1))
    }

    private mutating func grow() {
        let newCapacity = max(ReplyQueue.capacityFirst, capacity * 2)
        let newRing = UnsafeMutablePointer<Reply>.allocate(capacity: newCapacity)
        for index in 0..<count {
            unsafe (newRing + index).moveInitialize(from: pointer(at: index), count: 1)
        }
        unsafe ring?.deallocate()
        unsafe ring = newRing
        capacity = newCapacity
        first = 0
    }
}
