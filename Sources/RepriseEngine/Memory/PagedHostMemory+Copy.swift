internal import Glibc
public import RepriseCore

// SAFETY, whole file: runs are within the cache's slots and the object has the layout's bytes, both checked
// before anything is copied; the caller's reference keeps the object.

extension PagedHostMemory {
    private enum Direction {
        case gather, scatter
    }

    /// Where an object of one layer or all has its rows: the bytes from one token, layer or plane to the
    /// next.
    private struct Strides {
        let token: Int
        let layer: Int
        let plane: Int

        init(_ format: MemoryFormat, rowByteCount: Int, layerCount: Int, tokenCount: Int) {
            layer = tokenCount * rowByteCount
            if format == .kvT2D {
                (token, plane) = (2 * rowByteCount, rowByteCount)
            } else {
                (token, plane) = (rowByteCount, layerCount * tokenCount * rowByteCount)
            }
        }
    }

    /// What an object with all layers of so many tokens is.
    public func metadata(tokenCount: Int) -> MemoryObjectMetadata {
        layout.metadata(tokenCount: tokenCount)
    }

    /// What an object with one layer of so many tokens is.
    public func layerMetadata(tokenCount: Int) -> MemoryObjectMetadata {
        layout.layerMetadata(tokenCount: tokenCount)
    }

    /// Copies the rows of tokens into an object; those that lie next to each other go together.
    ///
    /// - Throws: `invalidArgument` when the placement does not have the tokens or names slots that there are
    ///   not, or the object is no one for them; nothing has been copied then.
    public func gather(
        _ tokens: Range<Int>,
        of placement: PagedPlacement,
        into object: MemoryObject
    ) throws(StorageError) {
        try copy(.gather, tokens, nil, placement, object)
    }

    /// Copies an object's rows to the slots of tokens.
    ///
    /// - Throws: as ``gather(_:of:into:)``.
    public func scatter(
        _ object: MemoryObject,
        to tokens: Range<Int>,
        of placement: PagedPlacement
    ) throws(StorageError) {
        try copy(.scatter, tokens, nil, placement, object)
    }

    /// Copies the rows that tokens have in one layer into an object.
    ///
    /// - Throws: as ``gather(_:of:into:)``, and `invalidArgument` when there is no such layer.
    public func gather(
        _ tokens: Range<Int>,
        layer: Int,
        of placement: PagedPlacement,
        into object: MemoryObject
    ) throws(StorageError) {
        try copy(.gather, tokens, layer, placement, object)
    }

    /// Copies an object's rows to the slots of tokens in one layer.
    ///
    /// - Throws: as ``gather(_:layer:of:into:)``.
    public func scatter(
        _ object: MemoryObject,
        layer: Int,
        to tokens: Range<Int>,
        of placement: PagedPlacement
    ) throws(StorageError) {
        try copy(.scatter, tokens, layer, placement, object)
    }

    /// The runs in which tokens lie; checks everything, so that nothing is checked while rows are copied.
    private func checkedRuns(
        _ tokens: Range<Int>,
        _ layer: Int?,
        _ placement: PagedPlacement,
        _ object: MemoryObject
    ) throws(StorageError) -> [SlotRun] {
        if let layer, layer < 0 || layer >= layerCount {
            throw StorageError(.invalidArgument, "layer \(layer) of \(layerCount)")
        }
        let runs = try placement.runs(of: tokens, slotCount: slotCount)
        let expected =
            layer == nil ? metadata(tokenCount: tokens.count) : layerMetadata(tokenCount: tokens.count)
        // Both: what came from elsewhere may say one thing and be another.
        guard object.metadata == expected, object.byteCount == expected.tensorByteCount else {
            throw StorageError(
                .invalidArgument,
                "an object of another layout than \(tokens.count) tokens have"
            )
        }
        return runs
    }

    /// Copies the rows of tokens in one layer, or in all.
    private func copy(
        _ direction: Direction,
        _ tokens: Range<Int>,
        _ layer: Int?,
        _ placement: PagedPlacement,
        _ object: MemoryObject
    ) throws(StorageError) {
        let runs = try checkedRuns(tokens, layer, placement, object)
        let strides = Strides(
            layer == nil ? layout.format : layout.layerFormat,
            rowByteCount: rowByteCount,
            layerCount: layer == nil ? layerCount : 1,
            tokenCount: tokens.count
        )
        let layers = layer.map { $0..<($0 + 1) } ?? 0..<layerCount
        guard let first = unsafe object.mutableBytes.baseAddress else { return }
        // Where both have a token's rows side by side, they go together.
        let arePaired = strides.token == layout.slotStride
        let width = arePaired ? strides.token : rowByteCount
        for plane in 0..<(arePaired ? layout.planeCount * rowByteCount / width : layout.planeCount) {
            for layer in layers {
                let offset = plane * strides.plane + (layer - layers.lowerBound) * strides.layer
                unsafe copy(
                    direction,
                    runs,
                    rows(layer: layer, plane: plane),
                    first + offset,
                    (byteCount: width, slotStride: layout.slotStride, tokenStride: strides.token)
                )
            }
        }
    }

    /// Copies the rows of one plane of one layer, or pairs of rows.
    private func copy(
        _ direction: Direction,
        _ runs: [SlotRun],
        _ rows: UnsafeMutableRawPointer,
        _ first: UnsafeMutableRawPointer,
        _ row: (byteCount: Int, slotStride: Int, tokenStride: Int)
    ) {
        var place = unsafe first
        for run in runs {
            var source = unsafe rows + run.first &* row.slotStride
            if row.slotStride == row.byteCount, row.tokenStride == row.byteCount {
                let byteCount = run.count &* row.byteCount
                unsafe Self.copy(direction, source, place, byteCount)
                unsafe place += byteCount
            } else {
                // Between two tokens' rows lies the other plane's, here or there.
                for _ in 0..<run.count {
                    unsafe Self.copy(direction, source, place, row.byteCount)
                    unsafe source += row.slotStride
                    unsafe place += row.tokenStride
                }
            }
        }
    }

    @inline(__always)
    private static func copy(
        _ direction: Direction,
        _ row: UnsafeMutableRawPointer,
        _ place: UnsafeMutableRawPointer,
        _ byteCount: Int
    ) {
        switch direction {
        case .gather: unsafe memcpy(place, row, byteCount)
        case .scatter: unsafe memcpy(row, place, byteCount)
        }
    }
}
