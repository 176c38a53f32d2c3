import Glibc

// SAFETY, whole file: paths are passed as strings that end with a zero and outlive the call; directory
// entries are copied at once.

/// A directory that exists as long as the object does.
public final class TemporaryDirectory: Sendable {
    /// The directory's path.
    public let path: String

    /// Why no directory could be made.
    public struct Failure: Error {}

    /// Makes a directory where temporary files go.
    public init() throws {
        var template = Array(
            "\(FileSystem.environmentVariable("TMPDIR") ?? "/tmp")/reprise-XXXXXX".utf8CString
        )
        let isMade = unsafe template.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return false }
            return unsafe mkdtemp(base) != nil
        }
        guard isMade else { throw Failure() }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        TemporaryDirectory.remove(path)
    }

    /// The names in a directory.
    public static func names(in path: String) -> [String] {
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func remove(_ path: String) {
        for name in names(in: path) {
            let inner = "\(path)/\(name)"
            if unsafe unlink(inner) != 0 { remove(inner) }
        }
        unsafe rmdir(path)
    }
}
