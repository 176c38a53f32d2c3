package import RepriseCore

/// How the bytes that a disk may take are divided among its files.
///
/// The lock file has one page, each of two journals and two snapshots a fixed length, and the data file the
/// rest: together never more than what was configured, whatever happens.
package struct DiskLayout: Hashable, Sendable {
    /// What the disk may take, in bytes.
    package let byteCount: Int
    /// Bytes of one journal.
    package let journalByteCount: Int
    /// Bytes of one snapshot.
    package let snapshotByteCount: Int
    /// Bytes of the data file, in whole units.
    package let dataByteCount: Int

    /// The smallest disk that is worth its bookkeeping.
    package static let byteCountMin = 1 << 20
    private static let journalByteCountRange = 64 << 10...64 << 20
    private static let snapshotByteCountRange = 64 << 10...256 << 20
    private static let journalFractionDivisor = 256
    private static let snapshotFractionDivisor = 32
    private static let lockByteCount = AllocationUnit.byteCount

    /// Divides so many bytes.
    ///
    /// - Throws: `invalidArgument` when they are too few, or more than 8 TiB.
    package init(byteCount: Int) throws(StorageError) {
        guard byteCount >= Self.byteCountMin else {
            throw StorageError(
                .invalidArgument,
                "a disk of \(byteCount) bytes is too small: give it at least \(Self.byteCountMin) bytes"
            )
        }
        func pages(_ count: Int) -> Int { count / AllocationUnit.byteCount * AllocationUnit.byteCount }
        let journal = pages(Self.journalByteCountRange.clamp(byteCount / Self.journalFractionDivisor))
        let snapshot = pages(Self.snapshotByteCountRange.clamp(byteCount / Self.snapshotFractionDivisor))
        let data = pages(byteCount - Self.lockByteCount - 2 * journal - 2 * snapshot)
        guard data / AllocationUnit.byteCount < Int(Int32.max) else {
            throw StorageError(.invalidArgument, "a disk of \(byteCount) bytes is too large: 8TiB at most")
        }
        self.byteCount = byteCount
        journalByteCount = journal
        snapshotByteCount = snapshot
        dataByteCount = data
    }

    /// Describes files as they are.
    init(journalByteCount: Int, snapshotByteCount: Int, dataByteCount: Int) {
        self.journalByteCount = journalByteCount
        self.snapshotByteCount = snapshotByteCount
        self.dataByteCount = dataByteCount
        byteCount = Self.lockByteCount + 2 * journalByteCount + 2 * snapshotByteCount + dataByteCount
    }

    /// Units of the data file.
    package var unitCount: UInt32 { UInt32(dataByteCount / AllocationUnit.byteCount) }
}

extension ClosedRange<Int> {
    /// The number of the range that is nearest to one.
    fileprivate func clamp(_ number: Int) -> Int { Swift.min(Swift.max(number, lowerBound), upperBound) }
}
