import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseReplay

/// `reprise replay`: replays a trace of requests.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Replay a trace of real requests and report hit rate, throughput and latencies.",
        discussion: """
            TRACE has one JSON object a line: timestamp, input_length, output_length and hash_ids, one id \
            for each block of the prompt. Each request asks for all of its blocks, reads those that are \
            there and compares every byte, and then stores the others; the next request starts when the \
            node has answered for the last of them. The hit rate counts all blocks. Lookup latency includes \
            the comparison; store latency leaves out the making of the blocks. Exits with 1 when a byte was \
            wrong. A trace has the same hit rate over lm:// and redis://, since the same keys are asked for \
            and stored in the same order.
            """
    )

    @OptionGroup var node: NodeOptions

    @Option(
        help: ArgumentHelp("The size of a block, such as 64KiB or 40960000B.", valueName: "size"),
        transform: OptionText.size
    )
    var blockBytes: ByteSize

    @Option(help: "Replay only so many requests.")
    var limit: Int?

    @Option(
        help: ArgumentHelp(
            "What keys begin with, in place of a model's name. (default: replay-<block bytes>)",
            valueName: "prefix"
        )
    )
    var keyPrefix: String?

    @Flag(help: "Print one JSON object; latencies are in microseconds.")
    var json = false

    @Argument(help: "The trace; - is standard input.", completion: .file(extensions: ["jsonl"]))
    var trace: String

    func validate() throws {
        guard (limit ?? 1) > 0 else { throw ValidationError("--limit must be at least 1") }
        if let problem = plan.problem { throw ValidationError(problem) }
    }

    func run() throws {
        let requests = try readTrace()
        let showsProgress = Console.isErrorTerminal
        let onProgress: ((ReplayResult) -> Void)? = showsProgress ? { show($0, of: requests.count) } : nil
        var plan = plan
        plan.url = try node.completeURL()
        let result = try Replay(plan).run(requests, onProgress: onProgress)
        if showsProgress { Console.overwriteErrorLine("") }
        let report = ReplayReport(traceName: trace, plan, result)
        try Console.writeLine(json ? report.json.text : report.text)
        guard result.wrongByteCount == 0 else {
            throw CommandFailure(.absent, "\(result.wrongByteCount) wrong bytes were read")
        }
    }

    private var plan: ReplayConfiguration {
        var plan = ReplayConfiguration(
            url: node.url,
            blockByteCount: blockBytes.byteCount,
            keyPrefix: keyPrefix
        )
        plan.dialect = node.wireDialect
        plan.timeouts = node.timeouts
        return plan
    }

    private func readTrace() throws -> [TraceRequest] {
        var buffer = TransferBuffer(byteCapacity: 0)
        let byteCount = try FileDescriptor.read(trace, into: &buffer, limit: TraceReader.fileByteCountMax)
        do {
            return try TraceReader.read([UInt8](copying: buffer.prefix(byteCount)), limit: limit ?? .max)
        } catch {
            throw CommandFailure(.dataError, "\(trace): \(error)")
        }
    }

    private func show(_ result: ReplayResult, of requestCount: Int) {
        let rate = HumanText.fixed(result.hitRate, digits: 3)
        let done = "\(HumanText.count(result.requestCount)) of \(HumanText.count(requestCount)) requests"
        let seconds = HumanText.fixed(result.wallSeconds, digits: 1)
        Console.overwriteErrorLine(
            "\(done), hit rate \(rate), \(result.wrongByteCount) wrong bytes, \(seconds) s"
        )
    }
}
