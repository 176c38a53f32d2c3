internal import Glibc

/// Small files as bytes.
internal enum FileText {
    /// The bytes of a file.
    ///
    /// - Throws: `unreadableFile`; `tooLarge` when there are more than `limit` bytes.
    static func bytes(of path: String, limit: Int) throws(ConfigurationError) -> [UInt8] {
        // SAFETY: open(2) reads the path during the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, errno) }
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count < bytes.count {
            let offset = count
            // SAFETY: the rest of the array, from an offset within it, is written during the call.
            let received = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress! + offset, buffer.count - offset)
            }
            if received == 0 { break }
            guard received > 0 else {
                // EINTR is retried: read(2) may be interrupted before any byte is read.
                if errno == EINTR { continue }
                throw failure(path, errno)
            }
            count += received
        }
        guard count <= limit else {
            throw ConfigurationError(
                .tooLarge,
                "\(path): more than \(limit) bytes, which is no configuration"
            )
        }
        return Array(bytes[..<count])
    }

    private static func failure(_ path: String, _ number: Int32) -> ConfigurationError {
        // SAFETY: strerror(3)'s string is copied at once; only one thread reads configurations.
        let reason = unsafe String(cString: strerror(number))
        return ConfigurationError(.unreadableFile, "\(path): \(reason)")
    }
}
