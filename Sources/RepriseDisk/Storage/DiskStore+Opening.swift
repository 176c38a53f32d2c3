package import RepriseCore

extension DiskStore {
    /// Opens a disk in a directory that the caller has locked: makes one in an empty directory, or reads back
    /// what is there.
    ///
    /// - Throws: `invalidArgument` for too small a size, or one beyond what the file system has free;
    ///   `unsupported` for files of a newer version; `system` for calls that fail, and for files that are
    ///   damaged so that nothing of them can be believed. What is stored has not been changed then.
    /// - Complexity: O(entries log entries).
    package static func open(
        _ name: String,
        in directory: any DiskDirectory,
        engine: any IOEngine,
        configuration: DiskStoreConfiguration
    ) throws(StorageError) -> DiskStore {
        let layout = try DiskLayout(byteCount: configuration.byteCount)
        return try DiskOpening(
            name: name,
            directory: directory,
            layout: layout,
            configuration: configuration
        ).open(engine: engine)
    }
}

/// The steps that open a disk.
struct DiskOpening {
    let name: String
    let directory: any DiskDirectory
    let layout: DiskLayout
    let configuration: DiskStoreConfiguration

    func open(engine: any IOEngine) throws(StorageError) -> DiskStore {
        let data = try openFile("data", isDirect: true)
        let found = try readSuperblock(data)
        let files = DiskFiles(
            directory: directory,
            data: data,
            journals: [try openFile("journal-0"), try openFile("journal-1")],
            snapshots: [try openFile("snapshot-0"), try openFile("snapshot-1")]
        )
        try takeRoom(files)
        var recovery = DiskRecovery(
            table: makeTable(),
            unitCount: layout.unitCount,
            floor: found?.floor ?? .zero
        )
        var superblock = found ?? makeSuperblock()
        var index = found == nil ? IndexReport() : readIndex(files, superblock, into: &recovery)
        superblock.openCount = try nextOpenCount(
            after: max(superblock.openCount, index.openCount, recovery.sequence.openCount)
        )
        superblock.unitCount = layout.unitCount
        if configuration.startsEmpty {
            recovery.floor = RecordSequence(openCount: superblock.openCount, counter: 0)
            index.isWhole = false
        }
        superblock.setIdentity = configuration.setIdentity
        superblock.setGeneration = configuration.setGeneration
        let hasLostPower = !index.isClean && superblock.bootIdentity != configuration.bootIdentity
        superblock.bootIdentity = configuration.bootIdentity
        if found != nil, hasLostPower || !index.isWhole {
            // Records may have been written that no journal tells of.
            superblock.rebuildFloor = RecordSequence(openCount: superblock.openCount, counter: 0)
        }
        index.doubtful = recovery.doubtful
        let extents = recovery.settle(now: configuration.wallClock.nowMilliseconds)
        superblock.floor = recovery.floor
        let store = makeStore(engine, files, superblock, recovery.takeTable(), extents, index)
        try attempt { () throws(DiskIOError) in try store.saveAfterOpening(index) }
        return store
    }

    /// The open count after another one.
    func nextOpenCount(after count: UInt32) throws(StorageError) -> UInt32 {
        guard count < RecordSequence.openCountMax else {
            throw StorageError(
                .system,
                "disk \(name): its open count of \(count) is used up or damaged; remove its files"
            )
        }
        return count + 1
    }

    /// Calls something, and says of a failure which disk has it.
    func attempt<Value>(_ body: () throws(DiskIOError) -> Value) throws(StorageError) -> Value {
        do throws(DiskIOError) {
            return try body()
        } catch {
            throw StorageError(.system, "disk \(name): \(error)")
        }
    }

    private func openFile(_ file: String, isDirect: Bool = false) throws(StorageError) -> any DiskFile {
        try attempt { () throws(DiskIOError) in
            try directory.open(file, creating: true, isDirect: isDirect)
        }
    }

    /// The newest superblock; `nil` when the data file is new.
    func readSuperblock(_ data: any DiskFile) throws(StorageError) -> Superblock? {
        let byteCount = try attempt { () throws(DiskIOError) in try data.byteCount() }
        if byteCount == 0 { return nil }
        var found: Superblock?
        var isOurs = false
        for page in 0..<Int(Superblock.firstRecordUnit) {
            let bytes = try attempt { () throws(DiskIOError) in
                try data.readBytes(AllocationUnit.byteCount, at: page * AllocationUnit.byteCount)
            }
            do throws(Superblock.Fault) {
                let superblock = try Superblock.decode(bytes.rawSpan)
                if found.map({ $0.saveNumber < superblock.saveNumber }) ?? true { found = superblock }
            } catch {
                switch error {
                case .newerVersion(let version):
                    throw StorageError(
                        .unsupported,
                        "disk \(name) was written by a newer version (format \(version)): use that version, "
                            + "or name an empty directory"
                    )
                case .damaged: isOurs = true
                case .notOurs: break
                }
            }
        }
        guard let found else { throw unreadable(isOurs: isOurs) }
        return found
    }

    private func unreadable(isOurs: Bool) -> StorageError {
        guard isOurs else {
            return StorageError(
                .invalidArgument,
                "disk \(name): its file 'data' is not a disk of Reprise; name an empty directory"
            )
        }
        return StorageError(
            .system,
            "disk \(name): both superblocks are damaged, so that nothing on it can be believed; remove its "
                + "files, or name an empty directory"
        )
    }

    /// Gives every file its length, once it is known that the file system has room for all.
    private func takeRoom(_ files: DiskFiles) throws(StorageError) {
        var lengths = [(files.data, layout.dataByteCount)]
        for file in files.journals { lengths.append((file, layout.journalByteCount)) }
        for file in files.snapshots { lengths.append((file, layout.snapshotByteCount)) }
        try attempt { () throws(DiskIOError) in
            var missing = 0
            for (file, length) in lengths { missing += max(0, length - (try file.byteCount())) }
            let free = try directory.freeByteCount()
            guard missing <= free else {
                throw DiskIOError(
                    errorNumber: DiskIOError.noSpace,
                    call: "\(missing) more bytes are needed, \(free) are free: give the disk a smaller size"
                )
            }
            for (file, length) in lengths where try file.byteCount() != length {
                try file.allocate(byteCount: length)
            }
            try directory.sync()
        }
    }

    func makeTable() -> DiskTable {
        DiskTable(
            capacity: Int(layout.unitCount / 2) + configuration.limits.queueByteCountMax
                / AllocationUnit.byteCount + 1,
            evictor: configuration.evictionPolicy.makeEvictor(),
            now: configuration.wallClock.nowMilliseconds
        )
    }

    private func makeSuperblock() -> Superblock {
        Superblock(
            identity: DiskIdentity(rawValue: configuration.makeIdentity()),
            setIdentity: configuration.setIdentity,
            setGeneration: configuration.setGeneration,
            openCount: 0,
            floor: .zero,
            rebuildFloor: .zero,
            bootIdentity: configuration.bootIdentity,
            unitCount: layout.unitCount,
            saveNumber: 0
        )
    }

    func makeStore(
        _ engine: any IOEngine,
        _ files: DiskFiles,
        _ superblock: Superblock,
        _ table: consuming DiskTable,
        _ extents: consuming SegregatedFitAllocator,
        _ index: IndexReport
    ) -> DiskStore {
        var state = DiskStore.State(
            table: table,
            extents: extents,
            sequence: RecordSequence(openCount: superblock.openCount, counter: 0),
            floor: superblock.floor,
            superblock: superblock,
            journal: JournalState(
                number: index.journalNumber,
                position: index.journalPosition,
                snapshotNumber: index.snapshotNumber,
                byteCountMax: layout.journalByteCount,
                indexByteCountMax: SnapshotWriter.recordByteCountMax(
                    fileByteCount: layout.snapshotByteCount
                )
            )
        )
        state.countEntries()
        return DiskStore(
            name: name,
            files: files,
            engine: engine,
            layout: layout,
            configuration: configuration,
            state: state
        )
    }
}
