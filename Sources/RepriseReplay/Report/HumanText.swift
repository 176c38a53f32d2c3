/// Numbers as people read them: rounded, with a unit.
public enum HumanText {
    /// A duration with three significant digits, such as `1.23 ms`.
    public static func duration(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return nanoseconds(Double(seconds) * 1e9 + Double(attoseconds) * 1e-9)
    }

    /// A duration in nanoseconds with three significant digits, such as `1.23 ms`.
    public static func nanoseconds(_ nanoseconds: Double) -> String {
        scaled(nanoseconds, [(1e9, " s"), (1e6, " ms"), (1e3, " us"), (1, " ns")])
    }

    /// A transfer rate with three significant digits, in powers of 1000, such as `4.21 GB/s`.
    public static func rate(bytesPerSecond: Double) -> String {
        scaled(bytesPerSecond, [(1e9, " GB/s"), (1e6, " MB/s"), (1e3, " kB/s"), (1, " B/s")])
    }

    /// A size with three significant digits, in powers of 1024, such as `17.6 GiB`.
    public static func bytes(_ byteCount: Int) -> String {
        let units = [(0x1p40, " TiB"), (0x1p30, " GiB"), (0x1p20, " MiB"), (0x1p10, " KiB")]
        return byteCount < 1024 ? "\(byteCount) B" : scaled(Double(byteCount), units)
    }

    /// A count with its thousands apart, such as `288,500`.
    public static func count(_ count: Int) -> String {
        let digits = String(count.magnitude)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { result.append(",") }
            result.append(digit)
        }
        return count < 0 ? "-" + result : result
    }

    /// A number with a fixed count of digits behind the point, rounded half away from zero.
    public static func fixed(_ value: Double, digits: Int) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let rounded = Int((value.magnitude * Double(scale)).rounded())
        let sign = value < 0 && rounded > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(rounded)" }
        let fraction = String(rounded % scale)
        return
            "\(sign)\(rounded / scale).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }

    private static func scaled(_ value: Double, _ units: [(scale: Double, name: String)]) -> String {
        let unit = units.first { value >= $0.scale } ?? units[units.count - 1]
        let number = value / unit.scale
        let digits = number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2
        return fixed(number, digits: digits) + unit.name
    }
}
