/// The memory of a pool of chunks, wherever it lies.
///
/// The caller keeps accesses that exclude each other apart, and passes rows that lie within the memory.
protocol ChunkMemory: AnyObject, Sendable {
    /// Copies rows without gaps to where `rows` are.
    ///
    /// - Precondition: `source` has as many bytes as the rows.
    func write(_ source: RawSpan, to rows: ChunkRows) throws(StorageError)

    /// Copies `rows` out, without the gaps.
    ///
    /// - Precondition: `destination` has as many bytes as the rows.
    func read(_ rows: ChunkRows, into destination: inout MutableRawSpan) throws(StorageError)
}
