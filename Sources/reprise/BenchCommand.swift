import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseReplay

/// `reprise bench`: measures a server.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a server: a Reprise node, LMCache's own, or Redis.",
        discussion: """
            Each connection has a thread, its own keys and its own touched buffers, and has one operation \
            under way. Over lm:// a put counts as done when the server has answered that the key is there, \
            since a put alone has no reply; over redis:// it is one SET, done with its reply. Times run from \
            the moment when all connections start until the last one finishes; throughput counts values' \
            bytes in powers of 1000. With weights, as in --mix put=1,get=9, operations and keys are drawn at \
            random, after every key was stored once. Exits with 1 when --verify finds wrong bytes.
            """
    )

    @OptionGroup var node: NodeOptions

    @Option(
        help: ArgumentHelp("The size of each value, such as 4MiB. (default: 4MiB)", valueName: "size"),
        transform: OptionText.size
    )
    var valueSize = ByteSize(4 << 20)

    @Option(help: "How many connections work at the same time.")
    var connections = 4

    @Option(help: "How many different keys there are, over all connections.")
    var keys = 64

    @Option(
        help: "How many operations each phase has, over all connections. (default: 512 without --duration)"
    )
    var operations: Int?

    @Option(
        help: ArgumentHelp("How long each phase runs instead, such as 5s.", valueName: "duration"),
        transform: OptionText.duration
    )
    var duration: Duration?

    @Option(
        help: ArgumentHelp(
            "What to do: operations as phases, or weights. (default: put,get,exist)",
            valueName: "mix"
        ),
        completion: .list(BenchOperation.allCases.map(\.rawValue)),
        transform: OptionText.mix
    )
    var mix: [BenchPhase] = BenchOperation.allCases.compactMap { BenchPhase.parse(mix: $0.rawValue)?.first }

    @OptionGroup(title: "A serde instead of a server")
    var serde: SerdeOptions

    @Flag(help: "Compare every byte of each fetched value, which takes time between the operations.")
    var verify = false

    @Flag(help: "Print one JSON object; latencies are in microseconds.")
    var json = false

    func validate() throws {
        guard operations == nil || duration == nil else {
            throw ValidationError("--operations and --duration exclude each other")
        }
        if let problem = plan.problem { throw ValidationError(problem) }
    }

    func run() throws {
        guard serde.name == nil else { return try serde.run(byteCount: valueSize.byteCount, json: json) }
        var plan = plan
        plan.url = try node.completeURL()
        let bench = try Bench(plan)
        let onProgress: ((Bench.Progress) -> Void)? =
            Console.isErrorTerminal ? { BenchCommand.show($0) } : nil
        let phases = try bench.run(onProgress: onProgress)
        if Console.isErrorTerminal { Console.overwriteErrorLine("") }
        let report = BenchReport(plan, phases)
        try Console.writeLine(json ? report.json.text : report.table)
        guard report.wrongByteCount == 0 else {
            throw CommandFailure(.absent, "\(report.wrongByteCount) wrong bytes were read")
        }
    }

    private static let operationCountDefault = 512

    private var plan: BenchConfiguration {
        let count = operations ?? BenchCommand.operationCountDefault
        let amount: BenchConfiguration.Amount = duration.map { .duration($0) } ?? .operations(count)
        var plan = BenchConfiguration(
            url: node.url,
            valueByteCount: valueSize.byteCount,
            connectionCount: connections,
            keyCount: keys,
            amount: amount,
            phases: mix
        )
        plan.dialect = node.wireDialect
        plan.timeouts = node.timeouts
        plan.verifies = verify
        return plan
    }

    private static func show(_ progress: Bench.Progress) {
        let names = progress.phase.shares.map(\.operation.rawValue).joined(separator: "+")
        let seconds = HumanText.fixed(progress.elapsedSeconds, digits: 1)
        Console.overwriteErrorLine(
            "\(names): \(HumanText.count(progress.completedCount)) operations, \(seconds) s"
        )
    }
}
