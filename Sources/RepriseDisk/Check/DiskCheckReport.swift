/// What a ``DiskCheck`` has found.
public struct DiskCheckReport: Sendable {
    /// Why a record was not what it should be.
    public struct Finding: Hashable, Sendable {
        /// Where the record begins, in bytes of the data file.
        public let offset: Int
        /// The key, as far as it is known.
        public let key: String
        /// What is wrong; see docs/DISK_FORMAT.md § 6.
        public let cause: String
    }

    /// Records that prove themselves.
    public internal(set) var goodCount = 0
    /// Bytes of their values.
    public internal(set) var goodByteCount = 0
    /// Records whose time is over.
    public internal(set) var expiredCount = 0
    /// Records that do not prove themselves, in the order of their places; at most ``findingCountMax``.
    public internal(set) var findings: [Finding] = []
    /// Records that do not prove themselves, by cause.
    public internal(set) var badCounts: [String: Int] = [:]
    /// What is wrong with the index: journals and snapshots.
    public internal(set) var indexFaults: [String] = []
    /// Whether the bad was dropped.
    public internal(set) var isRepaired = false

    /// The most findings that are kept one by one.
    public static let findingCountMax = 1000

    /// Records that do not prove themselves.
    public var badCount: Int { badCounts.values.reduce(0, +) }

    /// Whether everything was as it should be.
    public var isClean: Bool { badCount == 0 && indexFaults.isEmpty }

    mutating func add(_ fault: RecordFault, offset: Int, key: String) {
        badCounts[fault.rawValue, default: 0] += 1
        guard findings.count < Self.findingCountMax else { return }
        findings.append(Finding(offset: offset, key: key, cause: fault.rawValue))
    }
}
