internal import RepriseCore

/// What a disk knows of itself: two copies in the first pages of its data file, written in turn.
///
/// Layout in docs/DISK_FORMAT.md § 2.
package struct Superblock: Hashable, Sendable {
    package var identity: DiskIdentity
    /// A number that all disks of one node share.
    package var setIdentity: UInt64
    /// How often the node was started with all of its disks; one that missed a start holds old values.
    package var setGeneration: UInt64
    /// How often the disk was opened.
    package var openCount: UInt32
    /// Records below it are void.
    package var floor: RecordSequence
    /// Records below it are believed only if journal or snapshot tell of them, not when the index is made
    /// from records alone: the index may have lost sight of them, and of what became of their keys.
    package var rebuildFloor: RecordSequence
    /// Which run of the machine has opened the disk: after another one, power may have been lost.
    package var bootIdentity: UInt64
    /// Pages of the data file.
    package var unitCount: UInt32
    /// Grows with every write: the copy with the higher number holds.
    package var saveNumber: UInt64

    /// The first page behind the copies.
    package static let firstRecordUnit: UInt32 = 2
    /// "RPRSDISK", as it is read little-endian.
    static let magic: UInt64 = 0x4B53_4944_5352_5052
    static let version: UInt16 = 1

    /// Why a page is no superblock.
    package enum Fault: Error, Hashable, Sendable {
        /// It was never one.
        case notOurs
        /// It was, but its checksum is another.
        case damaged
        /// A newer build has written it.
        case newerVersion(UInt16)
    }

    /// Creates a superblock from its fields.
    package init(
        identity: DiskIdentity,
        setIdentity: UInt64,
        setGeneration: UInt64,
        openCount: UInt32,
        floor: RecordSequence,
        rebuildFloor: RecordSequence,
        bootIdentity: UInt64,
        unitCount: UInt32,
        saveNumber: UInt64
    ) {
        self.identity = identity
        self.setIdentity = setIdentity
        self.setGeneration = setGeneration
        self.openCount = openCount
        self.floor = floor
        self.rebuildFloor = rebuildFloor
        self.bootIdentity = bootIdentity
        self.unitCount = unitCount
        self.saveNumber = saveNumber
    }

    /// The page.
    package var encoded: [UInt8] {
        var fields = FieldWriter()
        fields.append(Self.magic)
        fields.append(Self.version)
        fields.append(UInt16(0))
        fields.append(openCount)
        fields.append(identity.rawValue)
        fields.append(setIdentity)
        fields.append(setGeneration)
        fields.append(floor.rawValue)
        fields.append(rebuildFloor.rawValue)
        fields.append(bootIdentity)
        fields.append(saveNumber)
        fields.append(unitCount)
        fields.finishPage(seed: 0)
        return fields.bytes
    }

    /// Reads a page.
    package static func decode(_ page: RawSpan) throws(Fault) -> Superblock {
        guard page.byteCount == AllocationUnit.byteCount,
            page.loadLittleEndian(at: 0, as: UInt64.self) == magic
        else { throw .notOurs }
        guard page.isProvenPage(seed: 0) else { throw .damaged }
        var reader = FieldReader(page.extracting(droppingFirst: 8))
        guard let found = reader.next(UInt16.self) else { throw .damaged }
        // Newer versions keep magic, version and checksum where they are.
        guard found <= version else { throw .newerVersion(found) }
        guard reader.next(UInt16.self) != nil, let openCount = reader.next(UInt32.self),
            let identity = reader.next(UInt64.self), let setIdentity = reader.next(UInt64.self),
            let setGeneration = reader.next(UInt64.self), let floor = reader.next(UInt64.self),
            let rebuildFloor = reader.next(UInt64.self), let bootIdentity = reader.next(UInt64.self),
            let saveNumber = reader.next(UInt64.self), let unitCount = reader.next(UInt32.self)
        else { throw .damaged }
        return Superblock(
            identity: DiskIdentity(rawValue: identity),
            setIdentity: setIdentity,
            setGeneration: setGeneration,
            openCount: openCount,
            floor: RecordSequence(rawValue: floor),
            rebuildFloor: RecordSequence(rawValue: rebuildFloor),
            bootIdentity: bootIdentity,
            unitCount: unitCount,
            saveNumber: saveNumber
        )
    }
}
