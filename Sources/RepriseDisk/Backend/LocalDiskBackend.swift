public import RepriseCore

/// Values on one or several disks: bounded to the byte, warm after a restart, every read proven.
///
/// A put is a task: it takes a reference of its own, withdraws the key's older copy at once, and ends when
/// the record is written; then the key is found. A key lies on one disk; which one is chosen by the disks'
/// capacities. A disk that fails is taken out, and the others serve on.
///
/// Reads go into memory of a ``LocalCPUBackend``, which may have to evict for them; when it has none, a read
/// is a miss.
///
/// - Source: LMCache `lmcache/v1/storage_backend/local_disk_backend.py`; docs/FROM_LMCACHE.md says how each
///   of its known faults is made impossible.
public final class LocalDiskBackend: StorageBackend {
    /// Where values are wanted.
    public let destinationDevice: Device
    package let disks: [DiskStore]
    let engines: [any IOEngine]
    let lookupDirectory: (any LookupDirectory)?
    /// Where read values go; let go of when the backend is closed.
    package let memory: Lock<LocalCPUBackend?>
    private let locks: Lock<[DirectoryLock]>
    private let ticker: Lock<DiskTicker?>
    private let isClosed = Lock(false)

    /// How long ``close()`` waits for what is queued.
    static let closeTimeMax: Duration = .seconds(30)

    /// Opens disks, and makes those that are not there.
    ///
    /// - Parameters:
    ///   - memory: Where read values get their memory from.
    ///   - report: Told what an operator should hear; called from the backend's threads.
    /// - Throws: as ``DiskStore/open(_:in:engine:configuration:)``, and when another process has a directory.
    public convenience init(
        _ configurations: [DiskConfiguration],
        memory: LocalCPUBackend,
        lookupDirectory: (any LookupDirectory)? = nil,
        destinationDevice: Device = .cpu,
        wallClock: WallClock = .system,
        report: @escaping @Sendable (DiskReport) -> Void = { _ in }
    ) throws(StorageError) {
        let opened = try OpenedDisks(
            configurations.sharing(memory.pool.capacityByteCount),
            lookupDirectory: lookupDirectory,
            wallClock: wallClock,
            report: report
        )
        self.init(
            disks: opened.disks,
            engines: opened.engines,
            locks: opened.locks,
            memory: memory,
            lookupDirectory: lookupDirectory,
            destinationDevice: destinationDevice
        )
        ticker.withLock {
            $0 = DiskTicker(disks, every: configurations.first?.limits.tickMilliseconds ?? 100)
        }
    }

    /// Creates a backend of disks that were opened, without a thread that ticks.
    package init(
        disks: [DiskStore],
        engines: [any IOEngine],
        locks: [DirectoryLock] = [],
        memory: LocalCPUBackend,
        lookupDirectory: (any LookupDirectory)? = nil,
        destinationDevice: Device = .cpu
    ) {
        self.disks = disks
        self.engines = engines
        self.memory = Lock(memory)
        self.lookupDirectory = lookupDirectory
        self.destinationDevice = destinationDevice
        self.locks = Lock(locks)
        ticker = Lock(nil)
        lookupDirectory?.insert(disks.flatMap(\.keysByUse).map(\.key))
    }

    deinit {
        close()
    }

    /// The disks' directories.
    public var paths: [String] { disks.map(\.name) }

    /// What each disk holds and has done.
    package var statistics: [DiskStatistics] { disks.map(\.currentStatistics) }

    /// Writes what is queued, saves the indexes, and lets go of everything; calling it again does nothing.
    public func close() {
        guard
            isClosed.withLock({ isClosed in
                defer { isClosed = true }
                return !isClosed
            })
        else { return }
        for disk in disks { disk.beginClosing() }
        let deadline = ContinuousClock.now + Self.closeTimeMax
        while ContinuousClock.now < deadline, !disks.allSatisfy(\.isIdle) {
            Thread.sleep(milliseconds: Self.closePollMilliseconds)
        }
        ticker.withLock { $0 = nil }
        finishClosing()
    }

    /// Lets go of everything as the death of the process would: nothing is written any more.
    package func abandon() {
        isClosed.withLock { $0 = true }
        for disk in disks { disk.abandon() }
        ticker.withLock { $0 = nil }
        memory.withLock { $0 = nil }
        locks.withLock { $0 = [] }
    }

    private static let closePollMilliseconds: Int64 = 2

    private func finishClosing() {
        for (disk, engine) in zip(disks, engines) {
            guard disk.isIdle else { continue }
            engine.close()
            // What cannot be saved is read back from the journal.
            try? disk.finishClosing()
        }
        if let lookupDirectory {
            let keys = disks.flatMap(\.keysByUse).map(\.key)
            if !keys.isEmpty { lookupDirectory.remove(keys) }
        }
        memory.withLock { $0 = nil }
        locks.withLock { $0 = [] }
    }
}

/// What an operator should hear of a backend's disks.
public struct DiskReport: Sendable, CustomStringConvertible {
    /// How grave it is.
    public enum Level: Sendable {
        /// Nothing to do.
        case notice
        /// Something is worse than it could be.
        case warning
        /// A disk serves nothing.
        case error
    }

    /// How grave it is.
    public let level: Level
    /// The disk's directory.
    public let path: String
    /// What it is, and what to do.
    public let message: String

    /// The path and the message.
    public var description: String { "\(path): \(message)" }
}
