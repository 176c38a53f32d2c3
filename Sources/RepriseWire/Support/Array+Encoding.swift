extension [UInt8] {
    /// Creates an array of `byteCount` zeros, then lets `encode` write over them.
    init(byteCount: Int, encode: (inout MutableRawSpan) -> Void) {
        self.init(repeating: 0, count: byteCount)
        var span = mutableSpan
        // SAFETY: every bit pattern is a valid `UInt8`, so nothing that is written can make an element
        // invalid.
        var bytes = unsafe span.mutableBytes
        encode(&bytes)
    }

    /// Lets `encode` write over the array's bytes.
    mutating func overwrite(encode: (inout MutableRawSpan) -> Void) {
        var span = mutableSpan
        // SAFETY: as above.
        var bytes = unsafe span.mutableBytes
        encode(&bytes)
    }
}
