internal import Glibc
public import RepriseCore
internal import RepriseWire

// SAFETY, whole file: system calls get strings and buffers that live during the call; objects are filled by
// their only holder.

/// A directory, or several, with a file for each value, as LMCache's `fs://` keeps them.
///
/// A file is 28 bytes of metadata and the value (``RemoteMetadata``). It is written under another name first,
/// so that a file with the right name is whole. Nothing in it proves the value.
///
/// - Source: LMCache `lmcache/v1/storage_backend/connector/fs_connector.py`.
@safe
public final class FileConnector: RemoteConnector {
    private let directories: [String]
    private var isClosed = false
    /// Without effect: calls to a file system cannot be given up.
    public var deadline: ContinuousClock.Instant?

    private static let suffix = ".data"
    /// What a slash in a key becomes.
    private static let slash = "-SEP-"
    private static let metadataByteCount = RemoteMetadata.byteCount(groupCount: 1)
    /// The longest name of a file, less what is added to it while it is written.
    public static let nameByteCountMax = 255 - 32
    private static let counter = Lock<UInt64>(0)

    /// Uses directories, which are made by the first put if they are missing.
    ///
    /// - Parameter directories: At least one; with several, a key belongs to the one that its hash names.
    public init(directories: [String]) {
        precondition(!directories.isEmpty, "files lie in a directory")
        self.directories = directories
    }

    private static func make(_ directory: String) throws(RemoteError) {
        var path = ""
        for part in directory.split(separator: "/", omittingEmptySubsequences: false) {
            path += part + "/"
            if path != "/", unsafe mkdir(path, 0o755) != 0, errno != EEXIST {
                throw failure("mkdir", path)
            }
        }
    }

    private static func failure(_ call: String, _ path: String) -> RemoteError {
        // A file system that is full still has what it has.
        let isRefusal = errno == ENOSPC || errno == EDQUOT || errno == EROFS
        let code = isRefusal ? RemoteError.Code.rejected : .system
        return RemoteError(code, "\(call)(\(path)): \(SystemErrorText.of(errno))")
    }

    /// Whether the directories are there, or can be made.
    public func ping() throws(RemoteError) {
        try checkOpen()
        for directory in directories { try Self.make(directory) }
        for directory in directories where unsafe access(directory, R_OK | W_OK | X_OK) != 0 {
            throw Self.failure("access", directory)
        }
    }

    /// Whether each key has a file.
    public func exists(_ keys: [StorageKey]) throws(RemoteError) -> [Bool] {
        try checkOpen()
        var found: [Bool] = []
        for key in keys { found.append(try unsafe access(path(of: key), F_OK) == 0) }
        return found
    }

    /// Reads a file straight into memory.
    public func get(_ key: StorageKey, _ allocate: RemoteAllocation) throws(RemoteError) -> RemoteValue {
        try checkOpen()
        let path = try path(of: key)
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return .absent }
            throw Self.failure("open", path)
        }
        defer { _ = Glibc.close(descriptor) }
        var header = [UInt8](repeating: 0, count: Self.metadataByteCount)
        let isWhole = unsafe header.withUnsafeMutableBytes { unsafe Self.read(descriptor, $0, at: 0) }
        guard isWhole, let remote = try? RemoteMetadata.decode(header.rawSpan),
            lseek(descriptor, 0, SEEK_END) == Self.metadataByteCount + remote.payloadByteCount
        else { return .corrupt }
        guard let object = allocate(remote.payloadByteCount, remote.objectMetadata) else {
            return .outOfMemory
        }
        guard unsafe Self.read(descriptor, object.mutableBytes, at: Self.metadataByteCount) else {
            object.release()
            return .corrupt
        }
        return .found(object)
    }

    private static func read(
        _ descriptor: Int32,
        _ bytes: UnsafeMutableRawBufferPointer,
        at start: Int
    ) -> Bool {
        var offset = 0
        while offset < bytes.count {
            guard let base = bytes.baseAddress else { return false }
            let count = unsafe pread(descriptor, base + offset, bytes.count - offset, off_t(start + offset))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            offset += count
        }
        return true
    }

    /// Writes a file beside the others, and gives it its name when it is whole.
    public func put(_ key: StorageKey, _ object: MemoryObject) throws(RemoteError) {
        try checkOpen()
        let path = try path(of: key)
        let header: [UInt8]
        do throws(WireError) {
            header = try RemoteMetadata(object).encoded()
        } catch {
            throw RemoteError(.invalidArgument, error.message)
        }
        // A name of its own for each writer: two that write one key must not write one file.
        let number = Self.counter.withLock { counter in
            counter += 1
            return counter
        }
        let temporary = "\(path).\(getpid()).\(number).tmp"
        let descriptor = try create(temporary)
        do throws(RemoteError) {
            defer { _ = Glibc.close(descriptor) }
            let isHeaderWritten = unsafe header.withUnsafeBytes { unsafe Self.write(descriptor, $0) }
            guard isHeaderWritten,
                unsafe object.bytes.withUnsafeBytes({ unsafe Self.write(descriptor, $0) })
            else { throw Self.failure("write", temporary) }
            guard unsafe rename(temporary, path) == 0 else { throw Self.failure("rename", path) }
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
    }

    private func create(_ path: String) throws(RemoteError) -> Int32 {
        for isLast in [false, true] {
            let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            if descriptor >= 0 { return descriptor }
            guard errno == ENOENT, !isLast else { break }
            for directory in directories { try Self.make(directory) }
        }
        throw Self.failure("open", path)
    }

    private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset < bytes.count {
            guard let base = bytes.baseAddress else { return false }
            let count = unsafe Glibc.write(descriptor, base + offset, bytes.count - offset)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            offset += count
        }
        return true
    }

    /// Removes a key's file.
    public func remove(_ key: StorageKey) throws(RemoteError) -> Bool {
        try checkOpen()
        let path = try path(of: key)
        if unsafe unlink(path) == 0 { return true }
        if errno == ENOENT { return false }
        throw Self.failure("unlink", path)
    }

    /// The keys of all files.
    public func list() throws(RemoteError) -> [StorageKey] {
        try checkOpen()
        var keys: [StorageKey] = []
        for directory in directories {
            guard let stream = unsafe opendir(directory) else {
                if errno == ENOENT { continue }
                throw Self.failure("opendir", directory)
            }
            defer { unsafe closedir(stream) }
            while let entry = unsafe readdir(stream) {
                // The name ends with a zero within its field.
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                    unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                        unsafe String(cString: $0)
                    }
                }
                if let key = Self.key(ofFile: name) { keys.append(key) }
            }
        }
        return keys
    }

    /// Later calls throw `closed`.
    public func close() { isClosed = true }

    private func checkOpen() throws(RemoteError) {
        guard !isClosed else { throw RemoteError(.closed, "the connector was closed") }
    }

    private func path(of key: StorageKey) throws(RemoteError) -> String {
        guard let name = Self.name(ofKey: key) else {
            throw RemoteError(
                .invalidArgument,
                "a key that is no file's name: it is longer than \(Self.nameByteCountMax) bytes, or not text"
            )
        }
        guard directories.count > 1 else { return "\(directories[0])/\(name)" }
        // The same in every process, which LMCache's choice need not be.
        let index = Int(CRC32C.of(key.bytes.rawSpan)) % directories.count
        return "\(directories[index])/\(name)"
    }

    /// The name of a key's file; `nil` when the key cannot be one.
    static func name(ofKey key: StorageKey) -> String? {
        guard let text = String(validating: key.bytes, as: UTF8.self), !text.utf8.contains(0), !text.isEmpty
        else { return nil }
        var name = ""
        for character in text.unicodeScalars {
            if character == "/" { name += slash } else { name.unicodeScalars.append(character) }
        }
        name += suffix
        return name.utf8.count <= nameByteCountMax && key == Self.key(ofFile: name) ? name : nil
    }

    /// The key of a file; `nil` for a file that is no value's.
    static func key(ofFile name: String) -> StorageKey? {
        guard name.utf8.count > suffix.utf8.count, name.hasSuffix(suffix) else { return nil }
        var (key, rest) = ("", name.dropLast(suffix.count)[...])
        while !rest.isEmpty {
            if rest.hasPrefix(slash) {
                key += "/"
                rest = rest.dropFirst(slash.count)
            } else {
                key.append(rest.removeFirst())
            }
        }
        return StorageKey(key)
    }
}
