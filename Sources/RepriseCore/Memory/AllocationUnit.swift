/// The unit in which arenas are divided and in which every byte count is accounted.
public enum AllocationUnit {
    /// Bytes per unit: one page.
    public static let byteCount = 4096

    /// The units that `byteCount` bytes take: at least one, rounded up.
    ///
    /// - Returns: `nil` when `byteCount` is negative or more units than an arena can have.
    public static func count(forByteCount byteCount: Int) -> UInt32? {
        guard byteCount >= 0 else { return nil }
        let units = byteCount == 0 ? 1 : (byteCount - 1) / AllocationUnit.byteCount + 1
        return UInt32(exactly: units)
    }

    /// The bytes that `byteCount` bytes take once rounded up to whole units, or `nil` as in
    /// ``count(forByteCount:)``.
    public static func alignedByteCount(_ byteCount: Int) -> Int? {
        count(forByteCount: byteCount).map { Int($0) * AllocationUnit.byteCount }
    }
}
