/// Memory that values are received into and sent from, allocated once and used again.
@safe
public struct TransferBuffer: ~Copyable {
    // SAFETY: `base` is allocated in `init` or `reserve`, `byteCapacity` bytes long, and freed once by
    // `deinit` or `reserve`; the struct is not copyable, so nobody else has it.
    private var base: UnsafeMutableRawPointer
    /// The bytes the buffer can hold.
    public private(set) var byteCapacity: Int

    // One page, so that large copies start on a page border.
    private static let alignment = 4096

    /// Allocates a buffer; its contents are unspecified until written, and its pages are not yet touched.
    ///
    /// - Precondition: `byteCapacity` is not negative.
    public init(byteCapacity: Int) {
        precondition(byteCapacity >= 0, "a capacity of \(byteCapacity) bytes is negative")
        // SAFETY: the allocation is this struct's alone; see `base`.
        unsafe base = .allocate(byteCount: max(byteCapacity, 1), alignment: TransferBuffer.alignment)
        self.byteCapacity = byteCapacity
    }

    deinit {
        // SAFETY: nobody else has the pointer; see `base`.
        unsafe base.deallocate()
    }

    /// Makes the buffer hold at least `byteCount` bytes; the first `keeping` bytes survive, the rest need
    /// not.
    ///
    /// - Precondition: `keeping` is within the capacity.
    public mutating func reserve(_ byteCount: Int, keeping: Int = 0) {
        guard byteCount > byteCapacity else { return }
        precondition(
            keeping >= 0 && keeping <= byteCapacity,
            "cannot keep \(keeping) of \(byteCapacity) bytes"
        )
        let grown = UnsafeMutableRawPointer.allocate(
            byteCount: byteCount,
            alignment: TransferBuffer.alignment
        )
        // SAFETY: both allocations hold at least `keeping` bytes and are distinct.
        unsafe grown.copyMemory(from: base, byteCount: keeping)
        unsafe base.deallocate()
        unsafe base = unsafe grown
        byteCapacity = byteCount
    }

    /// Touches every page, so that no later transfer pays for its first use.
    public mutating func populate() {
        // SAFETY: the whole allocation is ours.
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCapacity)
    }

    /// Moves the bytes of `range` to the start.
    ///
    /// - Precondition: the range is within the capacity.
    public mutating func moveToStart(_ range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= byteCapacity,
            "\(range) of \(byteCapacity) bytes"
        )
        // SAFETY: source and destination lie within the allocation by the precondition; this call allows
        // them to overlap, as memmove(3) does.
        unsafe base.copyMemory(from: base + range.lowerBound, byteCount: range.count)
    }

    /// Writes a copy of `bytes` at `offset`.
    ///
    /// - Precondition: the buffer holds them there.
    public mutating func copy(_ bytes: RawSpan, at offset: Int) {
        precondition(
            offset >= 0 && bytes.byteCount <= byteCapacity - offset,
            "\(bytes.byteCount) bytes at \(offset) of \(byteCapacity)"
        )
        guard bytes.byteCount > 0 else { return }
        // SAFETY: the destination lies within the allocation by the precondition, and is this struct's alone.
        unsafe bytes.withUnsafeBytes { source in
            unsafe (base + offset).copyMemory(from: source.baseAddress!, byteCount: source.count)
        }
    }

    /// A view of the first `byteCount` bytes.
    ///
    /// - Precondition: `byteCount` is within the capacity, and these bytes were written before.
    @_lifetime(borrow self)
    public borrowing func prefix(_ byteCount: Int) -> RawSpan {
        precondition(byteCount >= 0 && byteCount <= byteCapacity, "\(byteCount) bytes of \(byteCapacity)")
        // SAFETY: in range by the precondition; the view cannot outlive the buffer.
        let span = unsafe RawSpan(_unsafeStart: base, byteCount: byteCount)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// A view through which the first `byteCount` bytes are written.
    ///
    /// - Precondition: `byteCount` is within the capacity.
    @_lifetime(&self)
    public mutating func mutablePrefix(_ byteCount: Int) -> MutableRawSpan {
        precondition(byteCount >= 0 && byteCount <= byteCapacity, "\(byteCount) bytes of \(byteCapacity)")
        // SAFETY: in range by the precondition; the view has exclusive access to the buffer.
        let span = unsafe MutableRawSpan(_unsafeStart: base, byteCount: byteCount)
        return unsafe _overrideLifetime(span, mutating: &self)
    }

    /// The address of the byte at `offset`, for system calls in this module.
    internal func address(at offset: Int) -> UnsafeMutableRawPointer {
        precondition(offset >= 0 && offset <= byteCapacity, "offset \(offset) of \(byteCapacity)")
        // SAFETY: within the allocation, or one past it.
        return unsafe base + offset
    }
}

// Sendable: the only owner of its memory, and not copyable; sending it moves the ownership.
extension TransferBuffer: @unchecked Sendable {}
