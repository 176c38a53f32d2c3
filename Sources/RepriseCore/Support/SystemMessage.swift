internal import Glibc

// SAFETY, whole file: the call writes to at most the buffer's length, and ends it with a zero byte.

/// The system's sentence for an error number.
///
/// The corresponding C function is `strerror_r`.
public func systemMessage(_ errorNumber: Int32) -> String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        // SAFETY: the buffer has the length that is passed, and strerror_r ends it with a zero byte.
        guard let base = buffer.baseAddress, unsafe strerror_r(errorNumber, base, 256) == 0 else {
            return "error \(errorNumber)"
        }
        // SAFETY: as above.
        return unsafe String(cString: base)
    }
}
