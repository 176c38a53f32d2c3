// SAFETY, whole file: pointers are not kept beyond the closures that they are given to.

/// Bytes that arrived and belong to requests not begun yet.
///
/// Taking from the front is cheap: what was taken is dropped from memory once it is the larger part.
struct PendingBytes {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }

    var isEmpty: Bool { count == 0 }

    /// Adds bytes behind the others.
    mutating func append(_ more: UnsafeRawBufferPointer) {
        unsafe bytes.append(contentsOf: more)
    }

    /// Takes bytes from the front.
    mutating func removeFirst(_ byteCount: Int) {
        start += byteCount
        if start == bytes.count {
            bytes = []
        } else if start > bytes.count / 2 {
            bytes.removeFirst(start)
        } else {
            return
        }
        start = 0
    }

    /// Gives access to the bytes.
    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe bytes.withUnsafeBytes { unsafe body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }
}
