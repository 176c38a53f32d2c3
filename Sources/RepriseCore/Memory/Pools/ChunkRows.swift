/// The first tokens of one chunk, as they lie in a pool's memory: rows of one length, at equal distances.
///
/// A row is the keys or the values of one layer. The rows touch only when the chunk is full.
struct ChunkRows: Hashable, Sendable {
    /// Bytes from the start of the pool's memory to the first row.
    let offset: Int
    let rowCount: Int
    let rowByteCount: Int
    /// Bytes from the start of one row to the start of the next.
    let rowStride: Int

    /// Bytes of all rows, without what lies between them.
    var byteCount: Int { rowCount * rowByteCount }

    var isContiguous: Bool { rowByteCount == rowStride }

    /// Bytes from the first row's start to the last row's end.
    var extent: Int { (rowCount - 1) * rowStride + rowByteCount }
}
