extension [UInt8] {
    /// A view of the array's bytes.
    public var rawSpan: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            let span = self.span
            // SAFETY: every bit pattern of `UInt8` is a valid byte; the view cannot outlive the array.
            return unsafe _overrideLifetime(span.bytes, borrowing: self)
        }
    }

    /// Creates an array by copying the bytes of a view.
    ///
    /// - Complexity: O(bytes).
    public init(copying span: RawSpan) {
        // SAFETY: the pointer is not kept beyond the closure.
        self = unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// Appends the bytes of a view.
    ///
    /// - Complexity: O(bytes).
    public mutating func append(copying span: RawSpan) {
        // SAFETY: the pointer is not kept beyond the closure.
        unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}

extension RawSpan {
    /// Loads a little-endian integer.
    ///
    /// - Precondition: `offset` is not negative and the integer ends within the span, or this traps.
    @inlinable
    public func loadLittleEndian<Integer: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int,
        as type: Integer.Type
    ) -> Integer {
        precondition(
            offset >= 0 && offset <= byteCount - MemoryLayout<Integer>.size,
            "load past the span's end"
        )
        // SAFETY: the precondition keeps the load within the span; integers have no invalid bit patterns.
        return Integer(littleEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: type))
    }

    /// Loads one byte.
    ///
    /// - Precondition: `offset` is within the span, or this traps.
    @inlinable
    public func loadByte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount, "load past the span's end")
        // SAFETY: the precondition keeps the load within the span.
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }
}
