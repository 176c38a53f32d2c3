internal import Glibc
public import RepriseCore

// SAFETY, whole file: the memory lives from `init` to `deinit`; `layer` and `slot` are checked.

/// An inference engine's KV cache in host memory: for each layer its keys and values, with a row of each for
/// every slot.
///
/// A request's tokens lie in any slots; its placement is their slot mapping or a block table, as vLLM's. Rows
/// that lie next to each other are copied together, in every ``MemoryFormat`` that has tokens.
///
/// Not synchronised: whoever shares it sees to it that slots which are read are not written.
@safe
public final class PagedHostMemory: LayerwiseKVConnector, Sendable {
    /// What the rows are, and in which formats they leave.
    public let layout: PagedLayout
    /// Tokens that the cache has room for.
    public let slotCount: Int
    let rowByteCount: Int
    private static let hugePageByteCount = 2 << 20
    nonisolated(unsafe) let base: UnsafeMutableRawPointer

    /// Layers of the model.
    public var layerCount: Int { layout.layerCount }

    /// Takes memory that is zero.
    ///
    /// - Precondition: `slotCount` is positive, and all rows together fit in the address space, or this
    ///   traps.
    public init(_ layout: PagedLayout, slotCount: Int) {
        precondition(slotCount > 0, "a cache has slots")
        self.layout = layout
        self.slotCount = slotCount
        rowByteCount = layout.rowByteCount
        let byteCount = layout.planeCount * layout.layerCount * slotCount * rowByteCount
        unsafe base = .allocate(byteCount: byteCount, alignment: Self.hugePageByteCount)
        // Rows lie far apart: with small pages, most of them cost a walk of the page tables. Where there are
        // no huge ones, nothing is lost.
        unsafe madvise(base, byteCount, MADV_HUGEPAGE)
        unsafe memset(base, 0, byteCount)
    }

    /// Takes memory for keys and values that leave as `[2, L, T, D]`, or a layer as `[T, 2, D]`.
    ///
    /// - Throws: `invalidArgument` unless every count is positive.
    public convenience init(
        layerCount: Int,
        slotCount: Int,
        rowElementCount: Int,
        dtype: DType
    ) throws(StorageError) {
        let layout = try PagedLayout(layerCount: layerCount, rowElementCount: rowElementCount, dtype: dtype)
        guard slotCount > 0 else { throw StorageError(.invalidArgument, "a cache has slots") }
        self.init(layout, slotCount: slotCount)
    }

    deinit {
        unsafe base.deallocate()
    }

    /// One token's keys or values in one layer, or its only row there.
    ///
    /// - Precondition: there are such a layer, slot and plane, or this traps.
    public func withRow<Result>(
        layer: Int,
        slot: Int,
        isValue: Bool = false,
        _ body: (inout MutableRawSpan) -> Result
    ) -> Result {
        precondition(
            layer >= 0 && layer < layerCount && slot >= 0 && slot < slotCount
                && (!isValue || layout.planeCount == 2),
            "no such row"
        )
        let row = unsafe UnsafeMutableRawBufferPointer(
            start: rows(layer: layer, plane: isValue ? 1 : 0) + slot * layout.slotStride,
            count: rowByteCount
        )
        var span = unsafe MutableRawSpan(_unsafeBytes: row)
        return body(&span)
    }

    /// The first of a plane's rows in a layer.
    func rows(layer: Int, plane: Int) -> UnsafeMutableRawPointer {
        let layerOffset = layout.planeCount * layer * slotCount * rowByteCount
        return unsafe base + layerOffset + plane * (layout.order == .planes ? slotCount : 1) * rowByteCount
    }
}
