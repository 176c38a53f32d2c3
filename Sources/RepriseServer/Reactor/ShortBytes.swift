internal import Glibc

// SAFETY, whole file: the allocation holds `capacity` bytes, of which those from `start` to `end` are
// initialised; it is moved in `append` only.

/// A queue of bytes that stand still between two calls of `append`.
@safe
struct ShortBytes: ~Copyable {
    private static let capacityFirst = 256
    /// An empty queue gives memory above this back.
    private static let keptCapacityMax = 64 << 10

    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private var start = 0
    private var end = 0

    deinit {
        unsafe base?.deallocate()
    }

    /// Adds bytes behind the others.
    mutating func append(_ bytes: RawSpan) {
        if bytes.byteCount > capacity - end { makeRoom(for: bytes.byteCount) }
        guard let base = unsafe base else { return }
        let place = end
        unsafe bytes.withUnsafeBytes { source in
            guard let from = source.baseAddress else { return }
            unsafe memcpy(base + place, from, source.count)
        }
        end += bytes.byteCount
    }

    /// The bytes at an offset from the first.
    func bytes(at offset: Int, byteCount: Int) -> UnsafeRawBufferPointer {
        precondition(offset >= 0 && byteCount <= end - start - offset, "bytes past the queue's end")
        return unsafe UnsafeRawBufferPointer(start: base.map { unsafe $0 + start + offset }, count: byteCount)
    }

    /// Takes bytes from the front.
    mutating func removeFirst(_ byteCount: Int) {
        start += byteCount
        guard start == end else { return }
        (start, end) = (0, 0)
        if capacity > Self.keptCapacityMax {
            unsafe base?.deallocate()
            unsafe base = nil
            capacity = 0
        }
    }

    /// Moves the bytes to the front of the allocation, or of a larger one.
    private mutating func makeRoom(for byteCount: Int) {
        let count = end - start
        if count + byteCount <= capacity / 2, let base = unsafe base {
            unsafe memmove(base, base + start, count)
        } else {
            let newCapacity = max(Self.capacityFirst, (count + byteCount) * 2)
            let newBase = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
            if let base = unsafe base { unsafe memcpy(newBase, base + start, count) }
            unsafe base?.deallocate()
            unsafe base = newBase
            capacity = newCapacity
        }
        (start, end) = (0, count)
    }
}
