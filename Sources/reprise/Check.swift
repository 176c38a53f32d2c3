import ArgumentParser
import Glibc
import RepriseCore
import RepriseDisk

/// Reads every record of a disk that no node uses.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a disk's directory while no node uses it.",
        discussion: """
            Reads every record and says which do not prove themselves, and why. Exits with 1 when something \
            was wrong, also when it was repaired. Without --repair or --rebuild nothing is changed.
            """
    )

    @Argument(help: "The disk's directory.", completion: .directory)
    var directory: String

    @Flag(help: "Drop the records that do not prove themselves.")
    var repair = false

    @Flag(help: "Make the index from the records alone, as when journal and snapshots are gone.")
    var rebuild = false

    @Flag(help: "Name no records, only how many there are.")
    var quiet = false

    func validate() throws {
        if repair, rebuild { throw ValidationError("--rebuild drops what is bad, too: leave --repair out") }
    }

    func run() throws {
        let mode: DiskCheck.Mode = rebuild ? .rebuild : repair ? .repair : .read
        let start = ContinuousClock.now
        let showsProgress = Console.isErrorTerminal
        var shown = start
        let report = try DiskCheck(path: directory).run(mode) { progress in
            guard showsProgress, ContinuousClock.now - shown > .milliseconds(200) else { return }
            shown = ContinuousClock.now
            Console.overwriteErrorLine(Self.text(of: progress, since: start))
        }
        if showsProgress { Console.overwriteErrorLine("") }
        try write(report, took: ContinuousClock.now - start)
        if !report.isClean { throw CommandFailure(.absent, nil) }
    }

    private static func text(of progress: DiskCheck.Progress, since start: ContinuousClock.Instant) -> String
    {
        let percent = progress.byteCount * 100 / max(1, progress.totalByteCount)
        let rate = Double(progress.byteCount) / max(0.001, (ContinuousClock.now - start) / .seconds(1))
        return "\(percent) % of \(ByteSize(progress.totalByteCount)), \(ByteSize(Int(rate)))/s"
    }

    private func write(_ report: DiskCheckReport, took time: Duration) throws {
        if !quiet {
            for finding in report.findings {
                try Console.writeLine("\(finding.cause) at \(finding.offset): \(finding.key)")
            }
        }
        for fault in report.indexFaults { try Console.writeLine("index: \(fault)") }
        let rate = Double(report.goodByteCount) / max(0.001, time / .seconds(1))
        try Console.writeLine(
            "\(report.goodCount) records good (\(ByteSize(report.goodByteCount)), \(ByteSize(Int(rate)))/s), "
                + "\(report.badCount) bad"
        )
        for (cause, count) in report.badCounts.sorted(by: { $0.key < $1.key }) {
            try Console.writeLine("  \(cause): \(count)")
        }
        if report.isRepaired { try Console.writeLine(rebuild ? "index rebuilt" : "the bad were dropped") }
    }
}
