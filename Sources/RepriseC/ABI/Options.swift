internal import CReprise
internal import Glibc
internal import RepriseDisk

// SAFETY, whole file: texts are the caller's, end with a zero byte as C's do, and are read during the call
// alone.

/// Reads what the structures of options say.
enum Options {
    /// Checks that a structure is one that this library knows.
    static func checkSize(_ size: Int, _ expected: Int) throws(CallError) {
        guard size == expected else {
            throw CallError(
                .invalidArgument,
                "a struct_size of \(UInt(bitPattern: size)), not \(expected): set it to the structure's "
                    + "sizeof, and use the header of this library"
            )
        }
    }

    /// How many threads carry out submitted batches.
    static func copyThreadCount(_ count: UInt32) throws(CallError) -> UInt32 {
        guard count <= ClientLimits.copyThreadCountMax else {
            throw CallError(
                .invalidArgument,
                "\(count) copy threads; there can be \(ClientLimits.copyThreadCountMax)"
            )
        }
        return count == 0 ? ClientLimits.copyThreadCountDefault : count
    }

    /// The disk of an embedded node, if it has one.
    static func disk(
        _ path: UnsafePointer<CChar>?,
        byteCount: UInt64
    ) throws(CallError) -> DiskConfiguration? {
        guard let path = unsafe path else {
            guard byteCount == 0 else {
                throw CallError(.invalidArgument, "disk_bytes without a disk_path; name a directory")
            }
            return nil
        }
        let text = String(decoding: try unsafe bytes(of: path, "disk_path"), as: UTF8.self)
        guard byteCount > 0, let byteCount = Int(exactly: byteCount) else {
            throw CallError(.invalidArgument, "a disk_path needs disk_bytes of 1 or more, not \(byteCount)")
        }
        return DiskConfiguration(path: text, byteCount: byteCount)
    }

    /// A text's bytes.
    static func bytes(of text: UnsafePointer<CChar>, _ name: StaticString) throws(CallError) -> [UInt8] {
        let limit = ClientLimits.pathByteCountMax
        let count = unsafe strnlen(text, limit + 1)
        guard count > 0, count <= limit else {
            throw CallError(.invalidArgument, "\(name) is empty or too long; at most \(limit) bytes")
        }
        return unsafe [UInt8](UnsafeRawBufferPointer(start: text, count: count))
    }
}
