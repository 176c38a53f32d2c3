internal import Glibc
internal import RepriseCore

// SAFETY, whole file: bodies are kept by their piece until the kernel has taken their last byte, and ring and
// short bytes are moved only between two calls.

/// Replies that wait to be sent on one connection, in order, and how far the first has got.
///
/// Values leave from their own memory; headers and other short bytes are gathered behind one another, so that
/// a run of short replies is one piece.
@safe
struct ReplyQueue: ~Copyable {
    /// Where a piece's bytes are.
    private enum Body {
        /// Among the queue's short bytes.
        case short
        /// A value; the queue holds one reference until the kernel has taken the last byte.
        case object(MemoryObject)
        /// Text made for this reply.
        case text(ReplyText)
    }

    private struct Piece {
        let body: Body
        var byteCount: Int
        /// Bytes that are held in memory for the piece: those of a value, not of a header.
        var heldByteCount: Int
        /// Replies that end with this piece.
        var replyCount: Int
    }

    /// The most memory pieces handed to the kernel in one call.
    static let vectorCountMax = 64
    /// Short bytes are gathered up to here, so that replies that were sent are counted out in time.
    private static let gatheredByteCountMax = 16 << 10
    private static let capacityFirst = 4

    // SAFETY: a ring of `capacity` elements, a power of two, of which `pieceCount` from `first` on are
    // initialised.
    private var ring: UnsafeMutablePointer<Piece>?
    private var capacity = 0
    private var first = 0
    private var pieceCount = 0
    private var short = ShortBytes()
    private var sentByteCountOfFirst = 0
    /// Bytes that were ever added.
    private(set) var appendedByteCount = 0
    /// Bytes that the kernel has taken.
    private(set) var sentByteCount = 0
    /// Replies that wait.
    private(set) var count = 0
    /// Bytes of values and texts that wait.
    private(set) var heldByteCount = 0

    deinit {
        precondition(pieceCount == 0, "a reply queue is emptied before it goes")
        unsafe ring?.deallocate()
    }

    var isEmpty: Bool { pieceCount == 0 }

    /// Adds a copy of short bytes behind the others, with which so many replies end.
    ///
    /// - Parameter hasValues: Whether values are among the bytes, so that they count as held.
    mutating func append(_ bytes: RawSpan, hasValues: Bool = false, endingReplies replyCount: Int) {
        guard bytes.byteCount > 0 else { return }
        short.append(bytes)
        appendedByteCount += bytes.byteCount
        let held = hasValues ? bytes.byteCount : 0
        heldByteCount += held
        count += replyCount
        if pieceCount > 0 {
            let last = unsafe pointer(at: pieceCount - 1)
            let byteCount = unsafe last.pointee.byteCount
            if case .short = unsafe last.pointee.body, byteCount < Self.gatheredByteCountMax {
                unsafe last.pointee.byteCount += bytes.byteCount
                unsafe last.pointee.heldByteCount += held
                unsafe last.pointee.replyCount += replyCount
                return
            }
        }
        append(
            Piece(body: .short, byteCount: bytes.byteCount, heldByteCount: held, replyCount: replyCount)
        )
    }

    /// Adds a value, and takes over the caller's reference to it.
    mutating func append(_ object: MemoryObject, endingReplies replyCount: Int) {
        append(.object(object), byteCount: object.byteCount, replyCount)
    }

    /// Adds a long text.
    mutating func append(_ text: ReplyText, endingReplies replyCount: Int) {
        append(.text(text), byteCount: unsafe text.bytes.count, replyCount)
    }

    private mutating func append(_ body: Body, byteCount: Int, _ replyCount: Int) {
        heldByteCount += byteCount
        appendedByteCount += byteCount
        count += replyCount
        append(Piece(body: body, byteCount: byteCount, heldByteCount: byteCount, replyCount: replyCount))
    }

    /// Hands replies to the kernel until it takes no more, or has taken the turn's share; returns what ended
    /// the attempt, `nil` for neither, and the bytes that went out.
    ///
    /// - Parameter barrier: How many of all bytes that were ever added may go out; `nil` for all.
    mutating func send(
        atMostAbout byteCountPerTurn: Int,
        upTo barrier: Int? = nil,
        to descriptor: Int32,
        with calls: any SocketCalls,
        vectors: UnsafeMutableBufferPointer<iovec>
    ) -> (result: TransferResult?, sentByteCount: Int) {
        var total = 0
        while !isEmpty, total < byteCountPerTurn {
            let rest = barrier.map { $0 - sentByteCount } ?? .max
            guard rest > 0 else { break }
            let (used, wanted) = unsafe gather(into: vectors, atMost: rest)
            // Only empty values wait, whose headers are gone.
            guard wanted > 0 else {
                advance(by: 0)
                continue
            }
            let result = unsafe calls.send(descriptor, used)
            guard case .moved(let sent) = result else { return (result, total) }
            total += sent
            sentByteCount += sent
            advance(by: sent)
            // The kernel took less than it was offered: its buffer is full, and another call would only say
            // so.
            if sent < wanted { return (.wouldBlock, total) }
        }
        return (nil, total)
    }

    /// Whether a long value is about to be sent behind a header that would slow its copy down.
    var needsCopyAlignment: Bool {
        guard pieceCount > 1, sentByteCountOfFirst == 0 else { return false }
        let header = unsafe pointer(at: 0).pointee
        let value = unsafe pointer(at: 1).pointee
        guard case .short = header.body, header.byteCount < CopyAlignment.headerByteCountMin else {
            return false
        }
        return value.byteCount >= CopyAlignment.valueByteCountMin
    }

    /// Lets go of every value that was not sent.
    mutating func removeAll() {
        while !isEmpty { removeFirst() }
        sentByteCountOfFirst = 0
    }

    /// Points the vectors to what is to be sent next.
    private func gather(
        into vectors: UnsafeMutableBufferPointer<iovec>,
        atMost byteCountMax: Int
    ) -> (used: UnsafeMutableBufferPointer<iovec>, byteCount: Int) {
        var used = 0
        var byteCount = 0
        var skipped = sentByteCountOfFirst
        var shortOffset = 0
        for index in 0..<min(pieceCount, vectors.count) where byteCount < byteCountMax {
            let piece = unsafe pointer(at: index)
            let bytes = unsafe self.bytes(of: piece.pointee, shortOffset: &shortOffset)
            let offset = skipped
            skipped = 0
            guard bytes.count > offset, let base = bytes.baseAddress else { continue }
            let count = min(bytes.count - offset, byteCountMax - byteCount)
            // SAFETY: the kernel only reads, and the bytes stand still until the next change of the queue.
            unsafe vectors[used] = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: base + offset),
                iov_len: count
            )
            used += 1
            byteCount += count
        }
        return (unsafe UnsafeMutableBufferPointer(rebasing: vectors[0..<used]), byteCount)
    }

    /// The bytes of a piece; short ones lie `shortOffset` behind the first.
    private func bytes(of piece: Piece, shortOffset: inout Int) -> UnsafeRawBufferPointer {
        switch piece.body {
        case .short:
            defer { shortOffset += piece.byteCount }
            return unsafe short.bytes(at: shortOffset, byteCount: piece.byteCount)
        case .object(let object): return unsafe UnsafeRawBufferPointer(object.mutableBytes)
        case .text(let text): return unsafe UnsafeRawBufferPointer(text.bytes)
        }
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
        let piece = unsafe pointer(at: 0).move()
        first = (first + 1) & (capacity - 1)
        pieceCount -= 1
        count -= piece.replyCount
        heldByteCount -= piece.heldByteCount
        switch piece.body {
        case .short: short.removeFirst(piece.byteCount)
        case .object(let object): object.release()
        case .text: break
        }
    }

    private mutating func append(_ piece: Piece) {
        if pieceCount == capacity { grow() }
        unsafe pointer(at: pieceCount).initialize(to: piece)
        pieceCount += 1
    }

    private func pointer(at index: Int) -> UnsafeMutablePointer<Piece> {
        guard let ring = unsafe ring else { preconditionFailure("an empty reply queue has no replies") }
        // SAFETY: the capacity is a power of two, so the index is masked into the ring.
        return unsafe ring + ((first + index) & (capacity - 1))
    }

    private mutating func grow() {
        let newCapacity = max(ReplyQueue.capacityFirst, capacity * 2)
        let newRing = UnsafeMutablePointer<Piece>.allocate(capacity: newCapacity)
        for index in 0..<pieceCount {
            unsafe (newRing + index).moveInitialize(from: pointer(at: index), count: 1)
        }
        unsafe ring?.deallocate()
        unsafe ring = newRing
        capacity = newCapacity
        first = 0
    }
}
