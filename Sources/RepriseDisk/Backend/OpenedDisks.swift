internal import RepriseCore

/// The disks of one backend, opened together.
struct OpenedDisks {
    private(set) var disks: [DiskStore] = []
    private(set) var engines: [any IOEngine] = []
    private(set) var locks: [DirectoryLock] = []

    init(
        _ configurations: [DiskConfiguration],
        lookupDirectory: (any LookupDirectory)?,
        wallClock: WallClock,
        report: @escaping @Sendable (DiskReport) -> Void
    ) throws(StorageError) {
        guard !configurations.isEmpty else {
            throw StorageError(.invalidArgument, "a disk backend has at least one disk")
        }
        var directories: [SystemDirectory] = []
        for configuration in configurations {
            directories.append(try SystemDirectory(path: configuration.path))
            locks.append(try DirectoryLock(path: configuration.path))
        }
        let plan = try DiskSetPlan(directories)
        for (index, configuration) in configurations.enumerated() {
            let path = configuration.path
            var store = DiskStoreConfiguration(configuration)
            store.wallClock = wallClock
            store.setIdentity = plan.identity
            store.setGeneration = plan.generation
            store.startsEmpty = plan.isStale(index)
            store.lookupDirectory = lookupDirectory
            store.report = { report(DiskReport(path, $0)) }
            if store.startsEmpty { report(DiskReport(path, .startedEmpty)) }
            let engine = ThreadedIOEngine(threadCount: configuration.limits.threadCount)
            do throws(StorageError) {
                let disk = try DiskStore.open(
                    path,
                    in: directories[index],
                    engine: engine,
                    configuration: store
                )
                if !disk.isDirect { report(DiskReport(path, .notDirect)) }
                disks.append(disk)
                engines.append(engine)
            } catch {
                engine.close()
                for engine in engines { engine.close() }
                throw error
            }
        }
    }
}

/// Which disks were there when their node last ran with all of them: one that missed a start holds values
/// that may have been replaced meanwhile.
struct DiskSetPlan {
    private(set) var identity: UInt64
    private(set) var generation: UInt64 = 1
    private var superblocks: [Superblock?] = []

    init(_ directories: [any DiskDirectory]) throws(StorageError) {
        for directory in directories { superblocks.append(Superblock.peek(directory)) }
        let newest = superblocks.compactMap { $0 }.max { $0.setGeneration < $1.setGeneration }
        identity = newest?.setIdentity ?? UInt64.random(in: 1 ... .max)
        generation = (newest?.setGeneration ?? 0) + 1
    }

    /// Whether a disk is to forget what it has.
    func isStale(_ index: Int) -> Bool {
        guard let superblock = superblocks[index] else { return false }
        return superblock.setIdentity != identity || superblock.setGeneration + 1 != generation
    }
}

extension Superblock {
    /// The newest superblock of a directory's data file, or `nil` when there is none that can be read.
    static func peek(_ directory: any DiskDirectory) -> Superblock? {
        guard let isThere = try? directory.contains("data"), isThere,
            let file = try? directory.open("data", creating: false, isDirect: true)
        else { return nil }
        var found: Superblock?
        for page in 0..<Int(firstRecordUnit) {
            guard
                let bytes = try? file.readBytes(
                    AllocationUnit.byteCount,
                    at: page * AllocationUnit.byteCount
                ), let superblock = try? Superblock.decode(bytes.rawSpan)
            else { continue }
            if found.map({ $0.saveNumber < superblock.saveNumber }) ?? true { found = superblock }
        }
        return found
    }
}

extension DiskStoreConfiguration {
    init(_ configuration: DiskConfiguration) {
        self.init(byteCount: configuration.byteCount)
        sync = configuration.sync
        limits = configuration.limits
        evictionPolicy = configuration.evictionPolicy
    }
}

extension DiskReport {
    init(_ path: String, _ event: DiskEvent) {
        self.path = path
        switch event {
        case .out(let reason, let error):
            level = .error
            let cause = error.map { ": \($0)" } ?? ""
            message =
                "taken out, \(reason.rawValue)\(cause); values are kept in memory only until it "
                + "is back, and one that is replaced or removed meanwhile may come back if the node "
                + "dies first"
        case .back:
            level = .notice
            message = "serves again"
        case .startedEmpty:
            level = .warning
            message = "starts empty: the node has run without this disk, whose values may be old"
        case .notDirect:
            level = .warning
            message =
                "its file system has no transfers past the page cache (O_DIRECT): they are slower, and "
                + "memory is given back after each"
        }
    }
}
