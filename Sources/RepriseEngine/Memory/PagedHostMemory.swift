internal import Glibc
public import RepriseCore

// SAFETY, whole file: the memory lives from `init` to `deinit`; slots, layers and the object's layout are
// checked before a row is touched.

/// An inference engine's KV cache in host memory: for each layer its keys and then its values, a row for each
/// slot.
///
/// A request's tokens lie in any slots; its placement is their slot mapping, the slot of each token, as
/// vLLM's block tables come to. Objects have the layout `[2, L, T, D]` (``MemoryFormat/kv2LTD``).
///
/// Not synchronised: whoever shares it sees to it that slots which are read are not written.
@safe
public final class PagedHostMemory: KVConnector, Sendable {
    /// Layers of the model.
    public let layerCount: Int
    /// Tokens that the cache has room for.
    public let slotCount: Int
    /// Elements of one token's keys in one layer: heads by head size.
    public let rowElementCount: Int
    /// What the elements are.
    public let dtype: DType
    private let rowByteCount: Int
    private nonisolated(unsafe) let base: UnsafeMutableRawPointer

    /// Takes memory that is zero.
    ///
    /// - Precondition: every count is positive, and all rows together fit in the address space.
    public init(layerCount: Int, slotCount: Int, rowElementCount: Int, dtype: DType) {
        precondition(
            layerCount > 0 && slotCount > 0 && rowElementCount > 0,
            "a cache has layers, slots and rows"
        )
        (self.layerCount, self.slotCount) = (layerCount, slotCount)
        (self.rowElementCount, self.dtype) = (rowElementCount, dtype)
        rowByteCount = rowElementCount * dtype.byteCount
        let byteCount = 2 * layerCount * slotCount * rowByteCount
        unsafe base = .allocate(byteCount: byteCount, alignment: AllocationUnit.byteCount)
        unsafe memset(base, 0, byteCount)
    }

    deinit {
        unsafe base.deallocate()
    }

    /// `[2, L, T, D]` for so many tokens.
    public func metadata(tokenCount: Int) -> MemoryObjectMetadata {
        let shape = TensorShape([2, layerCount, tokenCount, rowElementCount])
        return MemoryObjectMetadata(shape: shape, dtype: dtype, format: .kv2LTD)
    }

    /// Copies the rows of tokens into an object; rows that lie next to each other go together.
    public func gather(
        _ tokens: Range<Int>,
        of slots: [Int],
        into object: MemoryObject
    ) throws(StorageError) {
        try check(tokens, slots, object)
        unsafe move(tokens, slots, object) { row, place, byteCount in unsafe memcpy(place, row, byteCount) }
    }

    /// Copies an object's rows to the slots of tokens.
    public func scatter(
        _ object: MemoryObject,
        to tokens: Range<Int>,
        of slots: [Int]
    ) throws(StorageError) {
        try check(tokens, slots, object)
        unsafe move(tokens, slots, object) { row, place, byteCount in unsafe memcpy(row, place, byteCount) }
    }

    /// One token's keys or values in one layer.
    ///
    /// - Precondition: there are such a layer and slot, or this traps.
    public func withRow<Result>(
        layer: Int,
        slot: Int,
        isValue: Bool,
        _ body: (inout MutableRawSpan) -> Result
    ) -> Result {
        precondition(layer >= 0 && layer < layerCount && slot >= 0 && slot < slotCount, "no such row")
        let row = unsafe UnsafeMutableRawBufferPointer(
            start: base + offset(layer: layer, slot: slot, isValue: isValue),
            count: rowByteCount
        )
        var span = unsafe MutableRawSpan(_unsafeBytes: row)
        return body(&span)
    }

    private func offset(layer: Int, slot: Int, isValue: Bool) -> Int {
        ((2 * layer + (isValue ? 1 : 0)) * slotCount + slot) * rowByteCount
    }

    private func check(_ tokens: Range<Int>, _ slots: [Int], _ object: MemoryObject) throws(StorageError) {
        guard tokens.lowerBound >= 0, tokens.upperBound <= slots.count else {
            throw StorageError(
                .invalidArgument,
                "a slot mapping of \(slots.count) tokens has none of \(tokens)"
            )
        }
        guard slots[tokens].allSatisfy({ $0 >= 0 && $0 < slotCount }) else {
            throw StorageError(
                .invalidArgument,
                "a slot mapping names a slot beyond the \(slotCount) that are there"
            )
        }
        // Both: what came from elsewhere may say one thing and be another.
        let expected = metadata(tokenCount: tokens.count)
        guard object.metadata == expected, object.byteCount == expected.tensorByteCount else {
            throw StorageError(
                .invalidArgument,
                "an object of another layout than \(tokens.count) tokens have"
            )
        }
    }

    /// Calls a function with each run of rows that lie next to each other, and their place in the object.
    private func move(
        _ tokens: Range<Int>,
        _ slots: [Int],
        _ object: MemoryObject,
        _ copy: (UnsafeMutableRawPointer, UnsafeMutableRawPointer, Int) -> Void
    ) {
        let runs = SlotRun.runs(of: slots[tokens])
        guard var place = unsafe object.mutableBytes.baseAddress else { return }
        for isValue in [false, true] {
            for layer in 0..<layerCount {
                for run in runs {
                    let byteCount = run.count * rowByteCount
                    unsafe copy(
                        base + offset(layer: layer, slot: run.first, isValue: isValue),
                        place,
                        byteCount
                    )
                    unsafe place += byteCount
                }
            }
        }
    }
}

/// Slots that follow each other.
struct SlotRun: Hashable {
    let first: Int
    private(set) var count = 1

    /// The runs that a slot mapping consists of, in its order.
    static func runs(of slots: ArraySlice<Int>) -> [SlotRun] {
        var runs: [SlotRun] = []
        for slot in slots {
            if let last = runs.last, last.first + last.count == slot {
                runs[runs.count - 1].count += 1
            } else {
                runs.append(SlotRun(first: slot))
            }
        }
        return runs
    }

    private init(first: Int) { self.first = first }
}
