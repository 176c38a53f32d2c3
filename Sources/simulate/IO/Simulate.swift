import Glibc
import RepriseTesting

/// Runs the disk backend's simulation over a range of seeds: `simulate FIRST COUNT [STEPS]`.
@main
struct Simulate {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
        let isTraced = CommandLine.arguments.contains("--trace")
        guard arguments.count >= 2 else {
            write("usage: simulate FIRST-SEED COUNT [STEPS] [--trace]\n", to: STDERR_FILENO)
            exit(2)
        }
        let stepCount = arguments.count > 2 ? Int(arguments[2]) : 400
        var sum = DiskSimulation.Report()
        var failedCount = 0
        for seed in arguments[0]..<(arguments[0] + arguments[1]) {
            let report = DiskSimulation(seed: seed, stepCount: stepCount, isTraced: isTraced).run()
            sum.add(report)
            for line in report.trace { write("\(line)\n", to: STDOUT_FILENO) }
            guard !report.violations.isEmpty else { continue }
            failedCount += 1
            for violation in report.violations { write("seed \(seed): \(violation)\n", to: STDOUT_FILENO) }
        }
        write(
            "\(arguments[1]) seeds, \(failedCount) failed: \(sum.readCount) reads compared, "
                + "\(sum.missCount) misses, \(sum.deathCount) deaths, \(sum.powerLossCount) with loss of "
                + "power, \(sum.stopCount) stops, \(sum.rebuildCount) rebuilds, "
                + "\(sum.outCount) outages, \(sum.evictionCount) evictions, "
                + "\(sum.faultCount) faults found\n",
            to: STDOUT_FILENO
        )
        exit(failedCount == 0 ? 0 : 1)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        // SAFETY: the bytes are read during the call.
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
