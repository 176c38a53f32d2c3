extension Span where Element: FixedWidthInteger & BitwiseCopyable {
    /// The integers' bytes, in the machine's order.
    internal var rawBytes: RawSpan {
        @_lifetime(copy self)
        // SAFETY: integers have no padding, so that each of their bytes is initialised.
        get { unsafe bytes }
    }
}
