import ArgumentParser
import Glibc
import Logging
import RepriseConfiguration
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

    @OptionGroup var options: ServeOptions

    func run() throws {
        let plan = try ServePlan(try options.resolve())
        let logger = plan.makeLogger()
        for notice in plan.resolved.notices { logger.notice("\(notice)") }
        let connectionCountMax = plan.configuration.server.connectionCountMax
        let raised = FileDescriptorLimit.raise(forConnections: connectionCountMax)
        if let raised, raised < connectionCountMax {
            logger.warning(
                "fewer connections than asked for: the system's limit on open files",
                metadata: ["limit": "\(raised)"]
            )
        }
        // Before any thread starts, so that signals stay pending for `StopSignals`.
        StopSignals.block()
        // What cannot be read is said before any memory is taken.
        let configuration = try plan.makeServerConfiguration(logger: logger)
        let node = try Node(try plan.makeNodeConfiguration(logger: logger))
        let server = try Server(configuration, backend: node.server)
        let needsPassword = configuration.access.password != nil
        let greeting = Greeting(plan.configuration, server.endpoints, node, needsPassword: needsPassword)
        try Console.write(Array(greeting.text.utf8).rawSpan)
        Thread(name: "reprise-report") { [pool = node.memory.pool] in
            while !pool.isPopulated { usleep(Self.populationPollMicroseconds) }
            Self.report(pool, to: logger)
        }.detach()
        StopSignals.waitAndStop(server, logger: logger) { node.close() }
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

extension DiskReport {
    func log(to logger: Logger) {
        let level: Logger.Level =
            switch self.level {
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            }
        logger.log(level: level, "disk: \(message)", metadata: ["disk": "\(path)"])
    }
}
