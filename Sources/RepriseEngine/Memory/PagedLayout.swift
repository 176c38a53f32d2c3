public import RepriseCore

/// What the rows of a paged cache are, and in which formats they leave it.
///
/// A row is what one layer has of one token: its keys, its values, or the one vector of a model with latent
/// attention, an encoder or a hidden state. A cache has one or two planes of rows: keys and values, or the
/// one.
public struct PagedLayout: Hashable, Sendable {
    /// How the rows of one layer follow each other in the cache.
    public enum Order: Hashable, Sendable, CaseIterable {
        /// The keys of all slots, then their values: vLLM's.
        case planes
        /// For each slot its keys, then its values.
        case slots
    }

    /// The format of an object with all layers of some tokens.
    public let format: MemoryFormat
    /// The format of an object with one layer of them.
    public let layerFormat: MemoryFormat
    /// Layers of the model.
    public let layerCount: Int
    /// Elements of a row; for keys, heads by head size.
    public let rowElementCount: Int
    /// What the elements are.
    public let dtype: DType
    /// How rows follow each other in the cache; it says nothing of objects.
    public let order: Order

    /// Chooses a layout.
    ///
    /// - Parameters:
    ///   - format: `kv2LTD` or `kvMLA`; with one layer also `kvT2D`, `kv2TD`, `ecTD` or `hsTD`.
    ///   - layerFormat: For `kv2LTD` one of `kvT2D`, which is the default, and `kv2TD`; else the same as
    ///     `format`.
    /// - Throws: `unsupported` for a format whose objects have no tokens; `invalidArgument` for counts that
    ///   are not positive, for a format of one layer when there are more, or another layer format.
    public init(
        format: MemoryFormat = .kv2LTD,
        layerFormat: MemoryFormat? = nil,
        layerCount: Int,
        rowElementCount: Int,
        dtype: DType,
        order: Order = .planes
    ) throws(StorageError) {
        guard format.tokenDimension != nil else {
            throw StorageError(.unsupported, "objects of format \(format) have no rows of tokens")
        }
        guard layerCount > 0, rowElementCount > 0 else {
            throw StorageError(.invalidArgument, "a cache has layers, and rows with elements")
        }
        guard layerCount == 1 || format == .kv2LTD || format == .kvMLA else {
            throw StorageError(.invalidArgument, "format \(format) is for one layer, not \(layerCount)")
        }
        let layerFormats: [MemoryFormat] = format == .kv2LTD ? [.kvT2D, .kv2TD] : [format]
        guard layerFormats.contains(layerFormat ?? layerFormats[0]) else {
            throw StorageError(.invalidArgument, "layers of format \(format) have one of \(layerFormats)")
        }
        self.format = format
        self.layerFormat = layerFormat ?? layerFormats[0]
        self.layerCount = layerCount
        self.rowElementCount = rowElementCount
        self.dtype = dtype
        self.order = order
    }

    /// 2 for keys and values, 1 where a token has one row in a layer.
    public var planeCount: Int {
        switch format {
        case .kv2LTD, .kvT2D, .kv2TD: 2
        case .kvMLA, .ecTD, .hsTD, .undefined, .binary, .binaryBuffer: 1
        }
    }

    /// Bytes of a row.
    public var rowByteCount: Int { rowElementCount * dtype.byteCount }

    /// Bytes from one slot's row to the next slot's.
    var slotStride: Int { order == .planes ? rowByteCount : planeCount * rowByteCount }

    /// What an object with all layers of so many tokens is.
    public func metadata(tokenCount: Int) -> MemoryObjectMetadata {
        metadata(format, layerCount: layerCount, tokenCount)
    }

    /// What an object with one layer of so many tokens is.
    public func layerMetadata(tokenCount: Int) -> MemoryObjectMetadata {
        metadata(layerFormat, layerCount: 1, tokenCount)
    }

    private func metadata(_ format: MemoryFormat, layerCount: Int, _ tokenCount: Int) -> MemoryObjectMetadata
    {
        let shape: TensorShape =
            switch format {
            case .kvT2D: [tokenCount, 2, rowElementCount]
            case .kv2TD: [2, tokenCount, rowElementCount]
            case .ecTD, .hsTD: [tokenCount, rowElementCount]
            case .kv2LTD, .kvMLA, .undefined, .binary, .binaryBuffer:
                [planeCount, layerCount, tokenCount, rowElementCount]
            }
        return MemoryObjectMetadata(shape: shape, dtype: dtype, format: format)
    }
}
