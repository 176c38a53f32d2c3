internal import Glibc
public import RepriseCore

// SAFETY, whole file: buffers outlive the calls that they are passed to.

/// Keeps a directory to one opener, in this process or another, until it is let go of or the process dies.
public final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// The file's name in the directory.
    public static let fileName = "lock"
    private static let textByteCountMax = 512

    /// Locks a directory.
    ///
    /// - Throws: `invalidArgument` with the holder's name when somebody else has it; `system` when the system
    ///   refuses.
    public init(path: String) throws(StorageError) {
        let file = "\(path)/\(Self.fileName)"
        descriptor = unsafe Glibc.open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StorageError(.system, "cannot open \(file): \(systemMessage(errno))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            let reason = systemMessage(errno)
            let holder = Self.text(of: descriptor)
            // The descriptor is closed by `deinit`, which also runs when an initialiser throws this late.
            guard isHeld else { throw StorageError(.system, "cannot lock \(file): \(reason)") }
            throw StorageError(
                .invalidArgument,
                "\(path) is in use by \(holder): stop it, or give this node a directory of its own"
            )
        }
        let text = Array("process \(getpid()) on \(Self.hostName)\n".utf8)
        ftruncate(descriptor, 0)
        _ = unsafe text.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    deinit {
        // The text stays: only the lock says that somebody is there.
        Glibc.close(descriptor)
    }

    private static var hostName: String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress, unsafe gethostname(base, 255) == 0 else { return "?" }
            unsafe buffer[255] = 0
            return unsafe String(cString: base)
        }
    }

    /// What the holder has written.
    private static func text(of descriptor: Int32) -> String {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: textByteCountMax) { buffer, count in
            count = max(0, unsafe pread(descriptor, buffer.baseAddress, textByteCountMax, 0))
        }
        let text = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return text.isEmpty ? "another process" : text
    }
}
