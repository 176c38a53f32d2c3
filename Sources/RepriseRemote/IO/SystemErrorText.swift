internal import Glibc

/// What the C library says of an error number.
internal enum SystemErrorText {
    private static let byteCountMax = 128

    /// The description of `number`, such as "Connection refused".
    static func of(_ number: Int32) -> String {
        // SAFETY: strerror_r(3) writes at most `byteCountMax` bytes, its final zero included.
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: byteCountMax) { buffer in
            guard unsafe strerror_r(number, buffer.baseAddress!, byteCountMax) == 0 else {
                return "error \(number)"
            }
            return unsafe String(cString: buffer.baseAddress!)
        }
    }
}
