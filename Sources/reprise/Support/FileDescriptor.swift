import Glibc
import RepriseRemote

/// Whole files and standard streams, read into and written from memory.
enum FileDescriptor {
    private static let firstReadByteCount = 64 << 10

    /// Writes all bytes to an open descriptor.
    static func write(_ bytes: RawSpan, to descriptor: Int32, name: String) throws(CommandFailure) {
        var offset = 0
        while offset < bytes.byteCount {
            // SAFETY: the rest of the view, from an offset within it, is only read during the call.
            let outcome = unsafe bytes.withUnsafeBytes { bytes in
                let written = unsafe Glibc.write(
                    descriptor,
                    bytes.baseAddress! + offset,
                    bytes.count - offset
                )
                return written >= 0 ? written : Int(-errno)
            }
            switch outcome {
            case 0...: offset += outcome
            case Int(-EINTR): continue
            default: throw CommandFailure(.inputOutputError, "\(name): \(text(of: Int32(-outcome)))")
            }
        }
    }

    /// Creates or replaces a file.
    static func write(_ bytes: RawSpan, toFile path: String) throws(CommandFailure) {
        let mode: mode_t = 0o666
        // SAFETY: open(2) reads the path during the call.
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw CommandFailure(.inputOutputError, "\(path): \(text(of: errno))") }
        defer { _ = close(descriptor) }
        try write(bytes, to: descriptor, name: path)
    }

    /// Reads a file, or standard input for "-", into the start of `buffer`, which grows, and returns the byte
    /// count.
    ///
    /// - Throws: ``CommandFailure``; also when there are more than `limit` bytes.
    static func read(
        _ path: String,
        into buffer: inout TransferBuffer,
        limit: Int
    ) throws(CommandFailure) -> Int {
        if path == "-" { return try readAll(STDIN_FILENO, "standard input", into: &buffer, limit: limit) }
        // SAFETY: open(2) reads the path during the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandFailure(.noInput, "\(path): \(text(of: errno))") }
        defer { _ = close(descriptor) }
        return try readAll(descriptor, path, into: &buffer, limit: limit)
    }

    private static func readAll(
        _ descriptor: Int32,
        _ name: String,
        into buffer: inout TransferBuffer,
        limit: Int
    ) throws(CommandFailure) -> Int {
        var byteCount = 0
        while true {
            if byteCount == buffer.byteCapacity {
                let grown = max(expectedByteCount(descriptor) + 1, byteCount * 2)
                buffer.reserve(min(grown, limit + 1), keeping: byteCount)
            }
            let offset = byteCount
            var bytes = buffer.mutablePrefix(buffer.byteCapacity)
            // SAFETY: the rest of the view, from an offset within it, is written during the call.
            let outcome = unsafe bytes.withUnsafeMutableBytes { bytes in
                let received = unsafe Glibc.read(
                    descriptor,
                    bytes.baseAddress! + offset,
                    bytes.count - offset
                )
                return received >= 0 ? received : Int(-errno)
            }
            switch outcome {
            case 1...: byteCount += outcome
            case 0: return byteCount
            case Int(-EINTR): continue
            default: throw CommandFailure(.noInput, "\(name): \(text(of: Int32(-outcome)))")
            }
            guard byteCount <= limit else {
                throw CommandFailure(.dataError, "\(name): more than the \(limit) bytes that are possible")
            }
        }
    }

    /// A regular file's size, so that it is read in one go; a guess for everything else.
    private static func expectedByteCount(_ descriptor: Int32) -> Int {
        var status = stat()
        // SAFETY: fstat(2) fills the struct during the call.
        guard unsafe fstat(descriptor, &status) == 0, status.st_size > 0 else { return firstReadByteCount }
        return Int(status.st_size)
    }

    private static func text(of number: Int32) -> String {
        // SAFETY: strerror(3)'s string is copied at once; only one thread reads and writes files here.
        unsafe String(cString: strerror(number))
    }
}
