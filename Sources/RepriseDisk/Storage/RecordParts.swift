internal import RepriseCore

/// How a record is divided among calls that run at the same time.
///
/// While one part is checksummed the device works on the others, and a single transfer does not leave it idle
/// between its end and the next one's begin. When as many records as there are threads are under way anyway,
/// only large ones are divided.
struct RecordParts {
    /// Units of the record, its header among them.
    let unitCount: Int
    /// At least one.
    let count: Int

    /// Divides a record.
    ///
    /// - Parameters:
    ///   - threadCount: Threads that could transfer parts.
    ///   - sharing: Records under way, this one among them.
    ///   - limits: How large parts are.
    init(unitCount: Int, threadCount: Int, sharing: Int, limits: DiskLimits) {
        self.unitCount = unitCount
        let byteCount = unitCount * AllocationUnit.byteCount
        let wanted = max(threadCount / max(1, sharing), byteCount / limits.partByteCountMax)
        count = max(1, min(wanted, byteCount / limits.partByteCountMin, unitCount - 1))
    }

    /// Leaves a record whole.
    init(whole unitCount: Int) {
        self.unitCount = unitCount
        count = 1
    }

    /// The units of a part; the first one begins with the header.
    func units(of part: Int) -> Range<Int> { unitCount * part / count..<unitCount * (part + 1) / count }

    /// The units of the value that are in a part.
    func payloadUnits(of part: Int) -> Range<Int> {
        let units = units(of: part)
        return max(0, units.lowerBound - 1)..<units.upperBound - 1
    }
}
