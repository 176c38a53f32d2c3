import ArgumentParser
import RepriseCore

/// How much memory a node takes: a size, or a part of what the machine or the container has.
struct MemorySize: Sendable {
    let byteCount: Int

    /// The node's default: a quarter.
    static let `default` = MemorySize(percent: 25)
    static let defaultText = "25%"

    private init(byteCount: Int) {
        self.byteCount = byteCount
    }

    private init(percent: Double) {
        // Whole MiB, so that the size reads well; a small limit keeps at least one.
        let mebibytes = Int(Double(MachineMemory.limitByteCount) * percent / 100) >> 20
        byteCount = max(1, mebibytes) << 20
    }

    /// Reads `4GiB`, `40960000B` or `25%`.
    init(text: String) throws {
        guard text.hasSuffix("%") else {
            self.init(byteCount: try OptionText.size(text).byteCount)
            return
        }
        guard let percent = Double(text.dropLast()), percent > 0, percent <= 100 else {
            throw ValidationError("'\(text)' is no share of memory: give more than 0% and at most 100%")
        }
        self.init(percent: percent)
    }
}
