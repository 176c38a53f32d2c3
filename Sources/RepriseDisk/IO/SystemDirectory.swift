internal import CRepriseShims
internal import Glibc
public import RepriseCore

// SAFETY, whole file: the system's calls read paths and fill records during the call only.

/// A directory of the system's, made if it is not there.
public final class SystemDirectory: DiskDirectory {
    /// The directory's path.
    public let path: String

    /// Opens a directory, and makes it, with those above it, when it is not there.
    ///
    /// - Throws: `invalidArgument` for a path that is something else; `system` when the system refuses.
    public init(path: String) throws(StorageError) {
        self.path = path
        try Self.make(path)
    }

    /// A number for this run of the machine.
    package static let bootIdentity: UInt64 = {
        let path = "/proc/sys/kernel/random/boot_id"
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { Glibc.close(descriptor) }
        let text = unsafe [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
            count = max(0, unsafe read(descriptor, buffer.baseAddress, 64))
        }
        // FNV-1a: the same on every run of the program.
        return text.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }()

    /// Whether a path is a directory.
    static func isThere(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func make(_ path: String) throws(StorageError) {
        var status = stat()
        if unsafe stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw StorageError(
                    .invalidArgument,
                    "\(path) is not a directory: name one for the disk's files, or a path for a new one"
                )
            }
            return
        }
        guard errno == ENOENT else { throw refused("look at", path, errno) }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex, slash != path.indices.last {
            try make(String(path[..<slash]))
        }
        // EEXIST: another process was faster.
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw refused("make", path, errno) }
    }

    private static func refused(_ verb: String, _ path: String, _ error: Int32) -> StorageError {
        let hint = error == EACCES ? "; give the node's user the right to it, or name another directory" : ""
        return StorageError(.system, "cannot \(verb) \(path): \(systemMessage(error))\(hint)")
    }

    /// Opens a file.
    public func open(_ name: String, creating: Bool, isDirect: Bool) throws(DiskIOError) -> any DiskFile {
        let flags = O_RDWR | O_CLOEXEC | (creating ? O_CREAT : 0)
        if isDirect {
            let descriptor = unsafe Glibc.open("\(path)/\(name)", flags | reprise_o_direct(), 0o600)
            if descriptor >= 0 {
                return SystemFile(name: name, descriptor: descriptor, isDirect: true, dropsPages: false)
            }
            // EINVAL: the file system has no transfers past its cache, open(2).
            guard errno == EINVAL else { throw DiskIOError(errorNumber: errno, call: "open(\(name))") }
        }
        let descriptor = unsafe Glibc.open("\(path)/\(name)", flags, 0o600)
        guard descriptor >= 0 else { throw DiskIOError(errorNumber: errno, call: "open(\(name))") }
        return SystemFile(name: name, descriptor: descriptor, isDirect: false, dropsPages: isDirect)
    }

    /// Whether a file is there.
    public func contains(_ name: String) throws(DiskIOError) -> Bool {
        if unsafe access("\(path)/\(name)", F_OK) == 0 { return true }
        guard errno == ENOENT else { throw DiskIOError(errorNumber: errno, call: "access(\(name))") }
        return false
    }

    /// Removes a file.
    public func remove(_ name: String) throws(DiskIOError) {
        guard unsafe unlink("\(path)/\(name)") == 0 || errno == ENOENT else {
            throw DiskIOError(errorNumber: errno, call: "unlink(\(name))")
        }
    }

    /// Makes the names of the files survive the loss of power.
    public func sync() throws(DiskIOError) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DiskIOError(errorNumber: errno, call: "open(\(path))") }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw DiskIOError(errorNumber: errno, call: "fsync(\(path))") }
    }

    /// Bytes that the file system could still give.
    public func freeByteCount() throws(DiskIOError) -> Int {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else {
            throw DiskIOError(errorNumber: errno, call: "statvfs(\(path))")
        }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }
}
