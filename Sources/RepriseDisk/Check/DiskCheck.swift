public import RepriseCore

/// Reads every record of a disk that no node uses at the moment, and says which do not prove themselves.
///
/// Nothing is changed unless that is asked for.
public struct DiskCheck: Sendable {
    /// What is to be done besides reading.
    public enum Mode: Sendable {
        /// Nothing.
        case read
        /// Drop the records that do not prove themselves.
        case repair
        /// Make the index from the records alone, without journal and snapshots, and drop what is bad.
        case rebuild
    }

    /// How far a check has got.
    public struct Progress: Sendable {
        /// Bytes read so far.
        public let byteCount: Int
        /// Bytes to be read.
        public let totalByteCount: Int
    }

    private let path: String
    private let wallClock: WallClock

    /// Describes a check of a disk's directory.
    public init(path: String, wallClock: WallClock = .system) {
        self.path = path
        self.wallClock = wallClock
    }

    /// Checks the disk.
    ///
    /// - Throws: `invalidArgument` for a directory that is not a disk's, or is in use; `unsupported` for one
    ///   of a newer version; `system` when the system refuses.
    public func run(
        _ mode: Mode = .read,
        progress: (Progress) -> Void = { _ in }
    ) throws(StorageError) -> DiskCheckReport {
        guard SystemDirectory.isThere(path) else {
            throw StorageError(.invalidArgument, "\(path) is not a directory: name that of a disk")
        }
        let directory = try SystemDirectory(path: path)
        guard Superblock.peek(directory) != nil else {
            throw StorageError(
                .invalidArgument,
                "\(path) has no disk of Reprise whose superblock can be read"
            )
        }
        let lock = try DirectoryLock(path: path)
        defer { withExtendedLifetime(lock) {} }
        var run = try DiskCheckRun(path, directory, wallClock)
        try run.perform(mode, progress: progress)
        return run.report
    }
}
