internal import CRepriseShims
internal import Glibc

/// A fixed-capacity array of plain values in memory that the system provides page by page, on first touch.
///
/// It never moves or grows, so a reserve for the worst case costs address space only, and no critical section
/// ever copies a table. Untouched elements read as zero bytes.
@safe
package struct LazyRegion<Element: BitwiseCopyable>: ~Copyable {
    // SAFETY: maps `capacity` elements from `init` to `deinit`; every access is bounds-checked.
    @usableFromInline
    package let base: UnsafeMutablePointer<Element>
    package let capacity: Int
    private let mappedByteCount: Int

    /// Maps room for `capacity` elements; traps when the system has no address space left.
    package init(capacity: Int) {
        let pageByteCount = AllocationUnit.byteCount
        let byteCount = max(1, capacity) * MemoryLayout<Element>.stride
        mappedByteCount = (byteCount + pageByteCount - 1) / pageByteCount * pageByteCount
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let address = unsafe mmap(nil, mappedByteCount, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            preconditionFailure("no address space for \(byteCount) bytes of metadata")
        }
        // SAFETY: the mapping is page aligned, zeroed, and large enough.
        // Tables are read at random: with huge pages a lookup misses the cache, but not the address
        // translation too. What is refused costs speed only, and the arena reports the same refusal.
        if mappedByteCount >= Arena.stepByteCount {
            _ = unsafe reprise_advise_huge_pages(address, mappedByteCount)
        }
        unsafe base = address.bindMemory(to: Element.self, capacity: max(1, capacity))
        self.capacity = capacity
    }

    deinit {
        // SAFETY: the mapping was made in `init` and nothing refers to it any more.
        _ = unsafe munmap(base, mappedByteCount)
    }

    /// Brings an element closer, because it will be used soon.
    @inline(__always)
    package func prefetch(_ index: UInt32) {
        precondition(Int(index) < capacity, "index past the region's end")
        // SAFETY: the index was checked; a prefetch accesses nothing.
        unsafe reprise_prefetch(base + Int(index))
    }

    @inlinable
    package subscript(index: UInt32) -> Element {
        @inline(__always)
        unsafeAddress {
            precondition(Int(index) < capacity, "index past the region's end")
            // SAFETY: the index was checked.
            return unsafe UnsafePointer(base + Int(index))
        }
        @inline(__always)
        nonmutating unsafeMutableAddress {
            precondition(Int(index) < capacity, "index past the region's end")
            // SAFETY: the index was checked.
            return unsafe base + Int(index)
        }
    }
}
