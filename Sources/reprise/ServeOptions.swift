import ArgumentParser
import Logging
import RepriseCore
import RepriseServer

/// Where a node listens, and with how many threads.
struct ListeningOptions: ParsableArguments {
    @Option(help: "The name or address to listen on, IPv4 or IPv6.")
    var host = "127.0.0.1"

    @Option(help: "The TCP port; 0 lets the system choose.")
    var port: UInt16 = 65432

    @Option(help: ArgumentHelp("Also listen on a Unix socket here.", valueName: "path"), completion: .file())
    var unix: String?

    @Flag(name: .customLong("no-tcp"), help: "Listen on the Unix socket only.")
    var noTCP = false

    @Option(help: ArgumentHelp("Threads that serve connections.", valueName: "count"))
    var threads = ServerConfiguration().threadCount

    func validate() throws {
        guard (1...256).contains(threads) else { throw ValidationError("--threads takes 1 to 256") }
        guard !noTCP || unix != nil else { throw ValidationError("--no-tcp needs --unix PATH") }
    }
}

/// How much memory a node takes, and what leaves it first.
struct MemoryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Memory for values: 4GiB, 40960000B or 25% of the container's limit, else of the machine. "
                + "(default: \(MemorySize.defaultText))",
            valueName: "size"
        ),
        transform: MemorySize.init(text:)
    )
    var memory = MemorySize.default

    @Option(
        help: ArgumentHelp(
            "What is evicted first: lru, lfu, fifo, mru, or dummy for nothing. (default: lru)",
            valueName: "policy"
        ),
        completion: .list(EvictionPolicy.allCases.map(\.rawValue)),
        transform: OptionText.evictionPolicy
    )
    var evictor: EvictionPolicy = .lru

    @Flag(help: "Lock the memory, so that it is never swapped out.")
    var mlock = false
}

/// A node's limits.
struct LimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The largest value; larger ones are read and dropped. (default: 4GiB)",
            valueName: "size"
        ),
        transform: OptionText.size
    )
    var maxValue = ByteSize(4 << 30)

    @Option(help: ArgumentHelp("The most connections at once.", valueName: "count"))
    var maxConnections = 10_000

    @Option(
        help: ArgumentHelp(
            "Bytes a second, over 30 s, below which an unfinished transfer is cut; 0B: never. "
                + "(default: 4KiB)",
            valueName: "size"
        ),
        transform: OptionText.size
    )
    var minimumTransferRate = ByteSize(4096)

    @Option(
        help: ArgumentHelp(
            "How long SIGTERM waits for transfers in flight. (default: 30s)",
            valueName: "duration"
        ),
        transform: OptionText.duration
    )
    var drainTime: Duration = .seconds(30)

    func validate() throws {
        guard maxValue.byteCount > 0 else { throw ValidationError("--max-value takes 1B or more") }
        guard maxConnections > 0 else { throw ValidationError("--max-connections takes 1 or more") }
    }
}

/// How a node logs.
struct LogOptions: ParsableArguments {
    @Option(
        help:
            "The least level logged: trace, debug, info, notice, warning, error, critical. (default: info)",
        completion: .list(Logger.Level.allCases.map(\.rawValue)),
        transform: OptionText.logLevel
    )
    var logLevel: Logger.Level = .info

    @Option(help: "How log lines are written, to standard error: text or json.")
    var logFormat: LineLogHandler.Format = .text

    func makeLogger() -> Logger {
        let (level, format) = (logLevel, logFormat)
        return Logger(label: "reprise") { _ in LineLogHandler(format: format, logLevel: level) }
    }
}

extension LineLogHandler.Format: ExpressibleByArgument {}
