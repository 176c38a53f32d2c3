/// A number of bytes that reads and prints with a unit, such as `4GiB`.
///
/// Units are those of GNU coreutils: `KiB`, `MiB`, `GiB`, `TiB` and the bare letters `K`, `M`, `G`, `T` count
/// in 1024s, `kB`, `MB`, `GB`, `TB` in 1000s, `B` or nothing in bytes; upper and lower case are the same.
public struct ByteSize: Hashable, Comparable, Sendable {
    /// The bytes, 0 or more.
    public let byteCount: Int

    /// Creates a size.
    ///
    /// - Precondition: `byteCount` is not negative.
    public init(_ byteCount: Int) {
        precondition(byteCount >= 0, "a size of \(byteCount) bytes is negative")
        self.byteCount = byteCount
    }

    /// Reads a size such as `4096`, `64MiB`, `4GiB` or `40960000B`: digits, then a unit, without a space or
    /// sign.
    ///
    /// - Throws: ``UnitError``, whose message names the accepted forms.
    public init(parsing text: String) throws(UnitError) {
        let (count, unit) = try UnitError.split(text, forms: ByteSize.forms)
        guard let scale = ByteSize.scale(of: unit) else { throw UnitError(text, forms: ByteSize.forms) }
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: scale)
        guard !overflow else { throw UnitError(tooLarge: text, forms: ByteSize.forms) }
        self.byteCount = byteCount
    }

    /// Whether `left` is fewer bytes than `right`.
    public static func < (left: ByteSize, right: ByteSize) -> Bool { left.byteCount < right.byteCount }

    /// What a size may look like, for messages and help.
    public static let forms = "a size is digits and a unit: 4096, 40960000B, 64KiB, 64MiB, 4GiB, 1TiB, 100MB"

    private static func scale(of unit: String) -> Int? {
        switch unit.lowercased() {
        case "", "b": 1
        case "k", "kib": 1 << 10
        case "m", "mib": 1 << 20
        case "g", "gib": 1 << 30
        case "t", "tib": 1 << 40
        case "kb": 1_000
        case "mb": 1_000_000
        case "gb": 1_000_000_000
        case "tb": 1_000_000_000_000
        default: nil
        }
    }
}

extension ByteSize: CustomStringConvertible {
    /// The exact size in the largest binary unit that divides it, such as `4GiB` or `40960000B`; reads back
    /// equal.
    public var description: String {
        let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        for (scale, unit) in units where byteCount != 0 && byteCount.isMultiple(of: scale) {
            return "\(byteCount / scale)\(unit)"
        }
        return "\(byteCount)B"
    }
}
