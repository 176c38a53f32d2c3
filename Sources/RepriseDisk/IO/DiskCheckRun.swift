package import RepriseCore

// SAFETY, whole file: pages live during the calls that they are passed to.

/// The steps of a check.
package struct DiskCheckRun {
    private let opening: DiskOpening
    private let files: DiskFiles
    private var superblock: Superblock
    private let now: Int64
    package private(set) var report = DiskCheckReport()
    /// First units of records that are not to be believed any more.
    private var badStarts: [UInt32] = []

    /// What is read in one call.
    private static let readByteCount = 1 << 20

    /// Opens a disk's files.
    package init(_ path: String, _ directory: any DiskDirectory, _ wallClock: WallClock) throws(StorageError)
    {
        now = wallClock.nowMilliseconds
        var configuration = DiskStoreConfiguration(byteCount: 0)
        configuration.wallClock = wallClock
        let data = try Self.open(directory, "data", isDirect: true)
        files = DiskFiles(
            directory: directory,
            data: data,
            journals: [try Self.open(directory, "journal-0"), try Self.open(directory, "journal-1")],
            snapshots: [try Self.open(directory, "snapshot-0"), try Self.open(directory, "snapshot-1")]
        )
        let lengths = try Self.lengths(files)
        opening = DiskOpening(
            name: path,
            directory: directory,
            layout: DiskLayout(
                journalByteCount: lengths.journal,
                snapshotByteCount: lengths.snapshot,
                dataByteCount: lengths.data
            ),
            configuration: configuration
        )
        guard let found = try opening.readSuperblock(data) else {
            throw StorageError(.invalidArgument, "\(path) has an empty data file")
        }
        superblock = found
    }

    private static func open(
        _ directory: any DiskDirectory,
        _ name: String,
        isDirect: Bool = false
    ) throws(StorageError) -> any DiskFile {
        do throws(DiskIOError) {
            // One that was deleted is made anew, empty.
            return try directory.open(name, creating: true, isDirect: isDirect)
        } catch {
            throw StorageError(.system, "\(error)")
        }
    }

    private static func lengths(
        _ files: DiskFiles
    ) throws(StorageError) -> (data: Int, journal: Int, snapshot: Int) {
        do throws(DiskIOError) {
            return (
                try files.data.byteCount(),
                max(try files.journals[0].byteCount(), try files.journals[1].byteCount()),
                max(try files.snapshots[0].byteCount(), try files.snapshots[1].byteCount())
            )
        } catch {
            throw StorageError(.system, "\(error)")
        }
    }

    /// Checks, and changes what the mode asks for.
    package mutating func perform(
        _ mode: DiskCheck.Mode,
        progress: (DiskCheck.Progress) -> Void
    ) throws(StorageError) {
        var recovery = DiskRecovery(
            table: opening.makeTable(),
            unitCount: opening.layout.unitCount,
            floor: superblock.floor
        )
        var index = IndexReport()
        if mode == .rebuild {
            try scan(into: &recovery, progress)
        } else {
            index = opening.readIndex(files, superblock, into: &recovery)
            if !index.isWhole { report.indexFaults.append("journal or snapshot is missing or damaged") }
        }
        let sequence = recovery.sequence
        index.doubtful = recovery.doubtful
        let extents = recovery.settle(now: now)
        superblock.floor = recovery.floor
        var table = recovery.takeTable()
        try verify(&table, extents, progress)
        guard mode == .rebuild || mode == .repair && !report.isClean else { return }
        try save(table, extents, sequence, index)
    }

    // MARK: Records alone

    /// Finds every record that was not made void.
    private mutating func scan(
        into recovery: inout DiskRecovery,
        _ progress: (DiskCheck.Progress) -> Void
    ) throws(StorageError) {
        var found: [IndexedRecord] = []
        let total = opening.layout.dataByteCount
        let floor = max(superblock.floor, superblock.rebuildFloor)
        var offset = Int(Superblock.firstRecordUnit) * AllocationUnit.byteCount
        while offset < total {
            let bytes = try read(min(Self.readByteCount, total - offset), at: offset)
            if bytes.isEmpty { break }
            for page in stride(from: 0, to: bytes.count, by: AllocationUnit.byteCount) {
                let startUnit = UInt32((offset + page) / AllocationUnit.byteCount)
                let span = bytes.rawSpan.extracting(page..<min(bytes.count, page + AllocationUnit.byteCount))
                guard
                    let header = try? RecordHeader.decode(
                        span,
                        identity: superblock.identity,
                        startUnit: startUnit
                    )
                else { continue }
                if header.sequence < floor {
                    badStarts.append(startUnit)
                } else {
                    found.append(IndexedRecord(header))
                }
            }
            offset += bytes.count
            progress(DiskCheck.Progress(byteCount: offset, totalByteCount: 2 * total))
        }
        found.sort { $0.sequence < $1.sequence }
        for record in found { recovery.put(record) }
        // All of them, until the table says which are believed.
        badStarts += found.map(\.startUnit)
    }

    // MARK: Reading

    private func read(_ byteCount: Int, at offset: Int) throws(StorageError) -> [UInt8] {
        try opening.attempt { () throws(DiskIOError) in try files.data.readBytes(byteCount, at: offset) }
    }

    /// Reads every record of a table; drops those that do not prove themselves from it.
    private mutating func verify(
        _ table: inout DiskTable,
        _ extents: borrowing SegregatedFitAllocator,
        _ progress: (DiskCheck.Progress) -> Void
    ) throws(StorageError) {
        var believed: Set<UInt32> = []
        var readByteCount = 0
        let slots = table.slotsByUse().sorted {
            extents.start(of: table.entries[$0].block) < extents.start(of: table.entries[$1].block)
        }
        let total = slots.reduce(0) { $0 + table.entries[$1].payloadByteCount }
        for slot in slots {
            let entry = table.entries[slot]
            let startUnit = extents.start(of: entry.block) + Superblock.firstRecordUnit
            let key = table.key(of: slot)
            if let fault = try fault(of: entry, at: startUnit, key: key.bytes) {
                report.add(fault, offset: Int(startUnit) * AllocationUnit.byteCount, key: key.text)
                badStarts.append(startUnit)
                table.remove(slot)
            } else {
                believed.insert(startUnit)
                report.goodCount += 1
                report.goodByteCount += entry.payloadByteCount
            }
            readByteCount += entry.payloadByteCount
            progress(DiskCheck.Progress(byteCount: readByteCount, totalByteCount: total))
        }
        badStarts.removeAll { believed.contains($0) }
    }

    /// Why a record does not prove itself, or `nil`.
    private func fault(
        of entry: DiskEntry,
        at startUnit: UInt32,
        key: [UInt8]
    ) throws(StorageError) -> RecordFault? {
        var offset = Int(startUnit) * AllocationUnit.byteCount
        let page: [UInt8]
        do throws(DiskIOError) {
            page = try files.data.readBytes(AllocationUnit.byteCount, at: offset)
        } catch {
            return .ioError
        }
        let header: RecordHeader
        do throws(RecordFault) {
            header = try RecordHeader.decode(
                page.rawSpan,
                identity: superblock.identity,
                startUnit: startUnit
            )
        } catch {
            return error
        }
        let found = header.fault(
            key: key,
            sequence: entry.sequence,
            payloadByteCount: entry.payloadByteCount
        )
        if let found { return found }
        var checksum: UInt32 = 0
        var rest = entry.payloadByteCount
        offset += AllocationUnit.byteCount
        while rest > 0 {
            guard let piece = try? files.data.readBytes(min(rest, Self.readByteCount), at: offset) else {
                return .ioError
            }
            if piece.isEmpty { return .shortRead }
            checksum = CRC32C.of(piece.rawSpan, continuing: checksum)
            rest -= piece.count
            offset += piece.count
        }
        return checksum == header.payloadChecksum ? nil : .checksum
    }

    // MARK: Changes

    /// Destroys what is bad, and saves the index of the rest as a stop in order does.
    private mutating func save(
        _ table: consuming DiskTable,
        _ extents: consuming SegregatedFitAllocator,
        _ sequence: RecordSequence,
        _ index: IndexReport
    ) throws(StorageError) {
        superblock.openCount = try opening.nextOpenCount(
            after: max(superblock.openCount, index.openCount, sequence.openCount)
        )
        superblock.unitCount = opening.layout.unitCount
        let engine = ThreadedIOEngine(threadCount: 1)
        defer { engine.close() }
        try opening.attempt { () throws(DiskIOError) in
            for file in files.journals { try file.allocate(byteCount: opening.layout.journalByteCount) }
            for file in files.snapshots { try file.allocate(byteCount: opening.layout.snapshotByteCount) }
        }
        let store = opening.makeStore(engine, files, superblock, table, extents, index)
        try opening.attempt { () throws(DiskIOError) in
            for startUnit in badStarts {
                if case .failure(let error) = store.writeTombstone(at: startUnit) { throw error }
            }
            try files.data.sync()
            let superblock = store.state.withLock { $0.nextSuperblock() }
            if case .failure(let error) = store.write(superblock) { throw error }
            try store.finishClosing()
        }
        report.isRepaired = true
    }
}

extension IndexedRecord {
    fileprivate init(_ header: RecordHeader) {
        self.init(
            startUnit: header.startUnit,
            sequence: header.sequence,
            payloadByteCount: header.payloadByteCount,
            deadline: header.deadline,
            key: header.key
        )
    }
}
