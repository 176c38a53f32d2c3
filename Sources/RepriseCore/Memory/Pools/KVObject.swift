/// One chunk of a pool, allocated for the keys and values of some tokens.
///
/// The tokens are the first ones of the chunk's third dimension, so the bytes of fewer than `chunkSize`
/// tokens are rows with gaps between them (``rowStride``). ``write(_:)`` and ``read(into:)`` convert from and
/// to rows without gaps. The chunk goes back to its pool by the pool's `free`, or when the last reference to
/// the object is gone.
///
/// Thread-safe. Reads may run together; a write that meets another access is refused, so that no bytes are
/// torn.
///
/// - Source: LMCache's `KVObj`.
public final class KVObject: Sendable {
    let store: ChunkStore
    let ticket: ChunkSlots.Ticket
    /// Tokens that the object holds.
    public let tokenCount: Int

    init(store: ChunkStore, ticket: ChunkSlots.Ticket, tokenCount: Int) {
        self.store = store
        self.ticket = ticket
        self.tokenCount = tokenCount
    }

    deinit {
        store.give(ticket)
    }

    /// The chunk's number, from 0; at most one object of a pool has it at a time.
    public var slot: Int { ticket.slot }

    /// Bytes counted for the object: those of a full chunk, however many tokens it holds.
    public var byteCount: Int { store.metadata.chunkByteCount }

    /// Bytes of the object's own tokens.
    public var dataByteCount: Int { rows.byteCount }

    /// The shape of the object's own tokens, `[layer, 2, token, head, headSize]`.
    public var shape: [Int] {
        var shape = store.metadata.shape
        shape[2] = tokenCount
        return shape
    }

    /// Rows of the object: the keys and the values of each layer.
    public var rowCount: Int { rows.rowCount }

    /// Bytes of one row's own tokens.
    public var rowByteCount: Int { rows.rowByteCount }

    /// Bytes from the start of one row to the start of the next in the pool's memory.
    public var rowStride: Int { rows.rowStride }

    /// Whether the rows touch, which they do when the chunk is full.
    public var isContiguous: Bool { rows.isContiguous }

    /// Replaces the tokens' bytes.
    ///
    /// - Parameter source: Rows without gaps, row-major in ``shape``; exactly ``dataByteCount`` bytes.
    /// - Throws: `invalidArgument` for any other number of bytes, once the object is freed, and while it is
    ///   read or written; on a device also what the CUDA runtime reports.
    /// - Complexity: O(bytes); takes the pool's lock twice, and not while it copies.
    public func write(_ source: RawSpan) throws(StorageError) {
        try check(byteCount: source.byteCount)
        try store.beginAccess(.write, to: ticket)
        defer { store.endAccess(.write, to: ticket) }
        try store.memory.write(source, to: rows)
    }

    /// Copies the tokens' bytes out.
    ///
    /// - Parameter destination: Gets rows without gaps, row-major in ``shape``; exactly ``dataByteCount``
    ///   bytes.
    /// - Throws: `invalidArgument` for any other number of bytes, once the object is freed, and while it is
    ///   written; on a device also what the CUDA runtime reports. The destination's bytes are then
    ///   unspecified.
    /// - Complexity: O(bytes); takes the pool's lock twice, and not while it copies.
    public func read(into destination: inout MutableRawSpan) throws(StorageError) {
        try check(byteCount: destination.byteCount)
        try store.beginAccess(.read, to: ticket)
        defer { store.endAccess(.read, to: ticket) }
        try store.memory.read(rows, into: &destination)
    }

    /// The tokens' bytes as an array, as ``read(into:)`` copies them.
    ///
    /// - Throws: As ``read(into:)``.
    public func readBytes() throws(StorageError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: dataByteCount)
        var span = bytes.mutableSpan
        // SAFETY: every bit pattern is a valid `UInt8`.
        var destination = unsafe span.mutableBytes
        try read(into: &destination)
        return bytes
    }

    private var rows: ChunkRows { store.metadata.rows(ofSlot: slot, tokenCount: tokenCount) }

    private func check(byteCount: Int) throws(StorageError) {
        guard byteCount == dataByteCount else {
            throw StorageError(
                .invalidArgument,
                "\(byteCount) bytes for \(tokenCount) tokens: give exactly \(dataByteCount)"
            )
        }
    }
}
