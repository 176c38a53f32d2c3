internal import CRepriseShims
internal import Glibc

/// A growing array of plain values that is changed in place through a `let`.
///
/// For tables behind a class's property on the hot path: an `Array` there costs an exclusivity check and a
/// uniqueness check with each change, more than the change itself (an LRU hit took 18 ns so, and takes 4.5).
/// Indices are always checked. Not thread-safe: the owner's lock guards it.
@safe
internal struct SlotArray<Element: BitwiseCopyable>: ~Copyable {
    // SAFETY: a plain record; see `header`.
    @unsafe
    private struct Header {
        var base: UnsafeMutablePointer<Element>?
        var count = 0
        var capacity = 0
    }

    // SAFETY: allocated in `init`, freed in `deinit`; `base` has room for `capacity` elements, of which the
    // first `count` are initialised. No pointer into it leaves this file.
    private let header: UnsafeMutablePointer<Header>

    /// Creates an empty array with memory for `capacity` elements.
    init(reserving capacity: Int) {
        // SAFETY: freed in `deinit`.
        unsafe header = .allocate(capacity: 1)
        unsafe header.initialize(to: Header())
        if capacity > 0 { grow(toCapacity: capacity) }
    }

    deinit {
        // SAFETY: `base` is null or came from `realloc`; nothing else holds either pointer.
        unsafe free(header.pointee.base)
        unsafe header.deallocate()
    }

    /// How many elements there are.
    @inline(__always)
    var count: Int {
        // SAFETY: the header lives as long as the array.
        unsafe header.pointee.count
    }

    /// The element at an index, which traps when it is not below `count`.
    subscript(index: Int) -> Element {
        @inline(__always)
        get {
            precondition(index >= 0 && index < count, "index out of range")
            // SAFETY: an index below `count` means that `base` is there and the element initialised.
            return unsafe header.pointee.base.unsafelyUnwrapped[index]
        }
        @inline(__always)
        nonmutating set {
            precondition(index >= 0 && index < count, "index out of range")
            // SAFETY: as above.
            unsafe header.pointee.base.unsafelyUnwrapped[index] = newValue
        }
    }

    /// Brings an element closer, because it will be used soon.
    @inline(__always)
    func prefetch(_ index: Int) {
        precondition(index >= 0 && index < count, "index out of range")
        // SAFETY: the index was checked; a prefetch accesses nothing.
        unsafe reprise_prefetch(header.pointee.base.unsafelyUnwrapped + index)
    }

    /// Appends copies of `element` until there are `newCount` elements; never shrinks.
    ///
    /// - Complexity: Amortised O(1) for each new element.
    func extend(toCount newCount: Int, repeating element: Element) {
        guard newCount > count else { return }
        // SAFETY: the header lives as long as the array.
        let capacity = unsafe header.pointee.capacity
        if newCount > capacity { grow(toCapacity: max(newCount, capacity * 2, 16)) }
        // SAFETY: `grow` made `base` large enough.
        let base = unsafe header.pointee.base.unsafelyUnwrapped
        unsafe (base + count).initialize(repeating: element, count: newCount - count)
        unsafe header.pointee.count = newCount
    }

    private func grow(toCapacity capacity: Int) {
        precondition(MemoryLayout<Element>.alignment <= 16, "realloc(3) aligns to 16 bytes")
        // realloc(3) moves the pages of a large array instead of copying them.
        // SAFETY: `base` is null or came from `realloc`; the elements are plain values.
        let grown = unsafe realloc(header.pointee.base, capacity * MemoryLayout<Element>.stride)
        guard let grown = unsafe grown else { preconditionFailure("out of memory for \(capacity) entries") }
        unsafe adviseHugePages(grown, byteCount: capacity * MemoryLayout<Element>.stride)
        unsafe header.pointee.base = grown.bindMemory(to: Element.self, capacity: capacity)
        unsafe header.pointee.capacity = capacity
    }

    /// A large table is read at random: with huge pages a miss of the cache is not one of the address
    /// translation too. What is refused costs speed only.
    private func adviseHugePages(_ base: UnsafeMutableRawPointer, byteCount: Int) {
        let pageByteCount = AllocationUnit.byteCount
        let head = (pageByteCount - Int(bitPattern: base) % pageByteCount) % pageByteCount
        let length = (byteCount - head) / pageByteCount * pageByteCount
        // SAFETY: whole pages within the allocation.
        if length >= Arena.stepByteCount { _ = unsafe reprise_advise_huge_pages(base + head, length) }
    }
}
