internal import CReprise
internal import Glibc

// SAFETY, whole file: the caller of the C function owns the memory that pieces describe, and keeps it until
// the call has returned or its batch is drained; that the descriptions add up is checked when the table is
// made.

/// Where the values of one batch lie in the caller's memory, each in one piece or more.
@safe
final class ValueTable: Sendable {
    @safe
    private struct Value {
        var pieces: UnsafePointer<reprise_piece>
        var pieceCount: Int
        var byteCount: Int
    }

    // SAFETY: written in `init` alone.
    nonisolated(unsafe) private var values: [Value] = []
    /// The table's own copy of the pieces, for a batch that outlives its call.
    nonisolated(unsafe) private var ownPieces: UnsafeMutablePointer<reprise_piece>?

    /// Takes over what a call says of its values.
    ///
    /// - Parameter copying: Whether the descriptions are copied, since they may be gone before they are used.
    /// - Throws: `invalidArgument` for null pointers, empty values, too many pieces and lengths that
    /// overflow.
    init(_ values: UnsafePointer<reprise_value>?, count: Int, copying: Bool) throws(CallError) {
        guard let values = unsafe values else {
            throw CallError(.invalidArgument, "the values are NULL")
        }
        var pieceCount = 0
        for index in 0..<count {
            unsafe self.values.append(try ValueTable.checked(values[index], at: index, &pieceCount))
        }
        if copying { copyPieces(count: pieceCount) }
    }

    deinit { unsafe ownPieces?.deallocate() }

    /// How many values there are.
    var count: Int { unsafe values.count }

    /// A value's length.
    func byteCount(at index: Int) -> Int { unsafe values[index].byteCount }

    /// Copies a value from its pieces to one place, which has as many bytes.
    @unsafe func gather(_ index: Int, into place: UnsafeMutableRawPointer) {
        var offset = 0
        unsafe forEachPiece(of: index) { piece in
            guard let start = piece.baseAddress else { return }
            unsafe memcpy(place + offset, start, piece.count)
            offset += piece.count
        }
    }

    /// Copies a value from one place, which has as many bytes, to its pieces.
    @unsafe func scatter(_ index: Int, from place: UnsafeRawPointer) {
        var offset = 0
        unsafe forEachPiece(of: index) { piece in
            guard let start = piece.baseAddress else { return }
            unsafe memcpy(start, place + offset, piece.count)
            offset += piece.count
        }
    }

    /// Calls `body` with each piece of a value that has bytes, in order.
    func forEachPiece<Failure: Error>(
        of index: Int,
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let value = unsafe values[index]
        for number in 0..<value.pieceCount {
            let piece = unsafe value.pieces[number]
            guard unsafe piece.length > 0 else { continue }
            try unsafe body(UnsafeMutableRawBufferPointer(start: piece.data, count: piece.length))
        }
    }

    private static func checked(
        _ value: reprise_value,
        at index: Int,
        _ pieceCount: inout Int
    ) throws(CallError) -> Value {
        let limit = ClientLimits.batchPieceCountMax
        guard unsafe value.piece_count >= 1, unsafe value.piece_count <= limit - pieceCount else {
            throw CallError(
                .invalidArgument,
                "value \(index) has no pieces, or the batch more than \(limit); a value has 1 byte or more"
            )
        }
        guard let pieces = unsafe value.pieces else {
            throw CallError(.invalidArgument, "the pieces of value \(index) are NULL")
        }
        pieceCount += unsafe value.piece_count
        var byteCount = 0
        for number in 0..<(unsafe value.piece_count) {
            let piece = unsafe pieces[number]
            let (sum, overflow) = byteCount.addingReportingOverflow(unsafe piece.length)
            guard unsafe piece.length >= 0, !overflow, unsafe piece.data != nil || piece.length == 0 else {
                throw CallError(
                    .invalidArgument,
                    "piece \(number) of value \(index) is NULL, or longer than memory can be"
                )
            }
            byteCount = sum
        }
        guard byteCount > 0 else {
            throw CallError(.invalidArgument, "value \(index) is empty; a value has 1 byte or more")
        }
        return unsafe Value(pieces: pieces, pieceCount: value.piece_count, byteCount: byteCount)
    }

    private func copyPieces(count: Int) {
        let copy = UnsafeMutablePointer<reprise_piece>.allocate(capacity: count)
        unsafe ownPieces = copy
        var start = 0
        for index in unsafe values.indices {
            let value = unsafe values[index]
            unsafe (copy + start).initialize(from: value.pieces, count: value.pieceCount)
            unsafe values[index].pieces = UnsafePointer(copy + start)
            start += value.pieceCount
        }
    }
}
