import ArgumentParser
import Logging
import RepriseConfiguration
import RepriseCore

/// The options of `serve`, which `config` takes, too. All are texts: `RepriseConfiguration` reads them, as it
/// reads files and variables, so that one value has one form everywhere.
struct ServeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A YAML file of settings, LMCache's or Reprise's own: options and variables win over it. "
                + "(default: $REPRISE_CONFIG, else $LMCACHE_CONFIG_FILE)",
            valueName: "file"
        ),
        completion: .file()
    )
    var config: String?

    @OptionGroup(title: "Where to listen")
    var listening: ListeningOptions

    @OptionGroup(title: "Access")
    var access: AccessOptions

    @OptionGroup(title: "Memory")
    var memory: MemoryOptions

    @OptionGroup(title: "Disks")
    var disks: DiskOptions

    @OptionGroup(title: "Other nodes and stores")
    var elsewhere: ElsewhereOptions

    @OptionGroup(title: "Limits")
    var limits: LimitOptions

    @OptionGroup(title: "Log")
    var log: LogOptions

    /// What options, variables and the file say together.
    func resolve() throws(ConfigurationError) -> ResolvedConfiguration {
        var flags = ConfigurationFlags()
        listening.add(to: &flags)
        access.add(to: &flags)
        memory.add(to: &flags)
        disks.add(to: &flags)
        elsewhere.add(to: &flags)
        limits.add(to: &flags)
        log.add(to: &flags)
        return try Configuration.resolve(
            flags: flags,
            environment: EnvironmentText.variables,
            file: config,
            machine: .current
        )
    }
}

/// Where a node listens, and with how many threads.
struct ListeningOptions: ParsableArguments {
    @Option(help: "The name or address to listen on, IPv4 or IPv6. (default: 127.0.0.1)")
    var host: String?

    @Option(help: "The TCP port; 0 lets the system choose. (default: 65432)")
    var port: String?

    @Option(help: ArgumentHelp("Also listen on a Unix socket here.", valueName: "path"), completion: .file())
    var unix: String?

    @Flag(inversion: .prefixedNo, help: "Whether to listen on TCP, too, or on the Unix socket only.")
    var tcp: Bool?

    @Option(
        help: ArgumentHelp(
            "Threads that serve connections, 1 to 256. (default: one a processor, 2 to 8)",
            valueName: "count"
        )
    )
    var threads: String?

    func add(to flags: inout ConfigurationFlags) {
        flags.set("host", host)
        flags.set("port", port)
        flags.set("unix", unix)
        flags.set("tcp", tcp, flag: tcp == false ? "--no-tcp" : "--tcp")
        flags.set("threads", threads)
    }
}

/// How much memory a node takes, and what leaves it first.
struct MemoryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Memory for values: 4GiB, 40960000B or 25% of the container's limit, else of the machine. "
                + "(default: 25%)",
            valueName: "size"
        )
    )
    var memory: String?

    @Option(
        help: ArgumentHelp(
            "What is evicted first: lru, lfu, fifo, mru, or dummy for nothing. (default: lru)",
            valueName: "policy"
        ),
        completion: .list(EvictionPolicy.allCases.map(\.rawValue))
    )
    var evictor: String?

    @Flag(inversion: .prefixedNo, help: "Lock the memory, so that it is never swapped out.")
    var mlock: Bool?

    func add(to flags: inout ConfigurationFlags) {
        flags.set("memory", memory)
        flags.set("evictor", evictor)
        flags.set("mlock", mlock, flag: mlock == false ? "--no-mlock" : "--mlock")
    }
}

/// A node's limits.
struct LimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The largest value; larger ones are read and dropped. (default: 4GiB)",
            valueName: "size"
        )
    )
    var maxValue: String?

    @Option(help: ArgumentHelp("The most connections at once. (default: 10000)", valueName: "count"))
    var maxConnections: String?

    @Option(
        help: ArgumentHelp(
            "Bytes a second, over 30 s, below which an unfinished transfer is cut; 0B: never. "
                + "(default: 4KiB)",
            valueName: "size"
        )
    )
    var minimumTransferRate: String?

    @Option(
        help: ArgumentHelp(
            "How long SIGTERM waits for transfers in flight. (default: 30s)",
            valueName: "duration"
        )
    )
    var drainTime: String?

    func add(to flags: inout ConfigurationFlags) {
        flags.set("max_value", maxValue)
        flags.set("max_connections", maxConnections)
        flags.set("minimum_transfer_rate", minimumTransferRate)
        flags.set("drain_time", drainTime)
    }
}

/// How a node logs.
struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The least level logged: trace, debug, info, notice, warning, error, critical. (default: info)",
            valueName: "level"
        ),
        completion: .list(Logger.Level.allCases.map(\.rawValue))
    )
    var logLevel: String?

    @Option(
        help: ArgumentHelp(
            "How log lines are written, to standard error: text or json. (default: text)",
            valueName: "format"
        ),
        completion: .list(LineLogHandler.Format.allCases.map(\.rawValue))
    )
    var logFormat: String?

    func add(to flags: inout ConfigurationFlags) {
        flags.set("log_level", logLevel)
        flags.set("log_format", logFormat)
    }
}
