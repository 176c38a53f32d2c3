internal import Glibc
internal import RepriseCore

/// Pages of memory that start at a page, as transfers past the page cache need them.
// Sendable: the memory lives from `init` to `deinit`; whoever shares an object agrees on who writes.
// SAFETY: see above.
@safe
final class AlignedPages: @unchecked Sendable {
    /// All bytes.
    @unsafe let bytes: UnsafeMutableRawBufferPointer

    /// Takes pages that are zero.
    init(count: Int) {
        let byteCount = count * AllocationUnit.byteCount
        unsafe bytes = .allocate(byteCount: byteCount, alignment: AllocationUnit.byteCount)
        unsafe memset(bytes.baseAddress.unsafelyUnwrapped, 0, byteCount)
    }

    /// Takes pages with these bytes in front.
    convenience init(copying source: [UInt8]) {
        self.init(count: max(1, (source.count - 1) / AllocationUnit.byteCount + 1))
        unsafe bytes.copyBytes(from: source)
    }

    /// Takes pages with these bytes in front.
    convenience init(copying source: RawSpan) {
        self.init(count: max(1, (source.byteCount + AllocationUnit.byteCount - 1) / AllocationUnit.byteCount))
        unsafe source.withUnsafeBytes { unsafe bytes.copyMemory(from: $0) }
    }

    deinit {
        unsafe bytes.deallocate()
    }

    /// The bytes, read-only.
    var span: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            // SAFETY: the object outlives the borrow.
            unsafe _overrideLifetime(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes)), borrowing: self)
        }
    }
}
