import ArgumentParser
import Glibc
import Logging
import RepriseCore
import RepriseDisk
import RepriseNode
import RepriseServer

/// Runs a node until it is told to stop.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a cache node.",
        discussion: """
            Serves lm:// (LMCache's cache server protocol, all dialects) and RESP 2 and 3 (Redis clients) on \
            one TCP port and, when asked, a Unix socket. SIGTERM or SIGINT lets transfers in flight end and \
            exits 0; a second one exits at once.
            """
    )

    @OptionGroup(title: "Where to listen")
    var listening: ListeningOptions

    @OptionGroup(title: "Access")
    var access: AccessOptions

    @OptionGroup(title: "Memory")
    var memory: MemoryOptions

    @OptionGroup(title: "Disks")
    var disks: DiskOptions

    @OptionGroup(title: "Limits")
    var limits: LimitOptions

    @OptionGroup(title: "Log")
    var log: LogOptions

    func run() throws {
        let logger = log.makeLogger()
        let raised = FileDescriptorLimit.raise(forConnections: limits.maxConnections)
        if let raised, raised < limits.maxConnections {
            logger.warning(
                "fewer connections than asked for: the system's limit on open files",
                metadata: ["limit": "\(raised)"]
            )
        }
        // Before any thread starts, so that signals stay pending for `StopSignals`.
        StopSignals.block()
        // What cannot be read is said before any memory is taken.
        let configuration = try makeServerConfiguration(logger: logger)
        let node = try makeNode(logger: logger)
        let server = try Server(configuration, backend: node.server)
        let needsPassword = configuration.access.password != nil
        let greeting = greeting(server.endpoints, node: node, needsPassword: needsPassword)
        try Console.write(Array(greeting.utf8).rawSpan)
        Thread(name: "reprise-report") { [pool = node.memory.pool] in
            while !pool.isPopulated { usleep(Self.populationPollMicroseconds) }
            Self.report(pool, to: logger)
        }.detach()
        StopSignals.waitAndStop(server, logger: logger) { node.close() }
    }

    private func makeNode(logger: Logger) throws -> Node {
        var configuration = NodeConfiguration(memoryByteCount: memory.memory.byteCount)
        configuration.memory.locksMemory = memory.mlock
        configuration.evictionPolicy = memory.evictor
        // CONFIG SET may raise the server's limit later.
        let valueByteCountMax = max(configuration.limits.valueByteCountMax, limits.maxValue.byteCount)
        configuration.limits.valueByteCountMax = valueByteCountMax
        configuration.disks = disks.configurations
        configuration.report = { $0.log(to: logger) }
        return try Node(configuration)
    }

    private func makeServerConfiguration(logger: Logger) throws(CommandFailure) -> ServerConfiguration {
        var configuration = ServerConfiguration()
        configuration.access = try access.policy()
        configuration.clusterAnnouncement = access.clusterAnnounce
        configuration.versionText = RepriseVersion.text
        configuration.host = listening.noTCP ? nil : listening.host
        configuration.port = listening.port
        configuration.unixPath = listening.unix
        configuration.threadCount = listening.threads
        configuration.logger = logger
        configuration.limits.valueByteCountMax = limits.maxValue.byteCount
        configuration.limits.connectionCountMax = limits.maxConnections
        configuration.limits.minimumTransferRate = limits.minimumTransferRate.byteCount
        configuration.limits.drainTimeMax = limits.drainTime
        return configuration
    }

    private static let populationPollMicroseconds: UInt32 = 50_000

    /// Says what the system would not give, once all of the memory was asked for.
    private static func report(_ pool: MemoryPool, to logger: Logger) {
        let report = pool.report
        if report.hugePageError != 0 {
            logger.warning(
                "no huge pages: transfers are somewhat slower",
                metadata: ["reason": "\(systemMessage(report.hugePageError))"]
            )
        }
        if report.lockError != 0 {
            logger.warning(
                "memory is not locked: raise the limit on locked memory (ulimit -l)",
                metadata: ["reason": "\(systemMessage(report.lockError))"]
            )
        }
    }
}

extension Serve {
    /// What to do next: the exact settings with which clients reach this node.
    private func greeting(_ endpoints: Server.Endpoints, node: Node, needsPassword: Bool) -> String {
        let size = ByteSize(node.memory.pool.capacityByteCount)
        var lines = ["reprise serves \(size) of memory, evicting by \(memory.evictor.rawValue)"]
        for (disk, statistics) in zip(disks.configurations, node.disk?.statistics ?? []) {
            let found = statistics.entryCount
            lines.append("  disk \(disk.path):      \(ByteSize(disk.byteCount)), \(found) values found")
        }
        if let port = endpoints.port {
            let host = listening.host.contains(":") ? "[\(listening.host)]" : listening.host
            let url = "lm://\(host):\(port)"
            let redisURL = "redis://\(host):\(port)"
            let redisCommand = redisCommand(port, needsPassword: needsPassword)
            lines += [
                "  LMCache (0.2 to 0.5):  LMCACHE_REMOTE_URL=\(url) LMCACHE_REMOTE_SERDE=naive",
                "                         or, in its YAML file:  remote_url: \"\(url)\"",
                "  Swift:                 try LMConnection(connectingTo: NodeURL(parsing: \"\(url)\"))",
                "  Redis clients:         \(redisCommand), or \(redisURL)",
                "  shell:                 reprise stat --url \(url)",
            ]
        }
        if let path = endpoints.unixPath {
            lines.append(
                "  on this machine:       reprise stat --url unix://\(path), or redis+unix://\(path)"
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// How redis-cli reaches the node.
    private func redisCommand(_ port: UInt16, needsPassword: Bool) -> String {
        // redis-cli's own default is this address.
        let host = listening.host == "127.0.0.1" ? "" : " -h \(listening.host)"
        return "redis-cli\(host) -p \(port)" + (needsPassword ? " --askpass" : "")
    }
}

extension DiskReport {
    fileprivate func log(to logger: Logger) {
        let level: Logger.Level =
            switch self.level {
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            }
        logger.log(level: level, "disk: \(message)", metadata: ["disk": "\(path)"])
    }
}
