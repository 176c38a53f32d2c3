import Glibc

/// The few system calls that tests need, without Foundation.
public enum FileSystem {
    /// Returns an environment variable, or `nil` when it is not set.
    public static func environmentVariable(_ name: String) -> String? {
        // SAFETY: `getenv` returns a string that ends with a zero, or null; it is copied at once.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Returns the bytes of a file, or `nil` when it cannot be read.
    ///
    /// - Complexity: O(bytes).
    public static func contents(ofFile path: String) -> [UInt8]? {
        // SAFETY: the path is passed as a string that ends with a zero and outlives the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            // SAFETY: the pointer is valid for `count` bytes during the call.
            let readCount = unsafe piece.withUnsafeMutableBytes {
                unsafe read(descriptor, $0.baseAddress, $0.count)
            }
            // EINTR is retried: read(2) may be interrupted before any byte is read.
            if readCount < 0, errno == EINTR { continue }
            guard readCount >= 0 else { return nil }
            if readCount == 0 { return contents }
            contents += piece[..<readCount]
        }
    }
}
