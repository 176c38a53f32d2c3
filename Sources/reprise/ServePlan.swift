import Logging
import RepriseConfiguration
import RepriseCore
import RepriseDisk
import RepriseNode
import RepriseServer

/// A resolved configuration in the terms of node and server.
struct ServePlan {
    let resolved: ResolvedConfiguration
    /// The networks whose `lm://` clients are served.
    let lmAllowedNetworks: [NetworkRange]

    var configuration: Configuration { resolved.configuration }

    /// Reads what only the server knows how to read.
    init(_ resolved: ResolvedConfiguration) throws(ConfigurationError) {
        self.resolved = resolved
        var networks: [NetworkRange] = []
        for text in resolved.configuration.server.lmAllowedNetworks {
            do throws(ServerError) {
                networks.append(try NetworkRange(parsing: text))
            } catch {
                throw resolved.error(in: "lm_allow", error.message)
            }
        }
        lmAllowedNetworks = networks
    }

    func makeLogger() -> Logger {
        let level = Logger.Level(rawValue: configuration.log.level.rawValue) ?? .info
        let format = LineLogHandler.Format(rawValue: configuration.log.format.rawValue) ?? .text
        return Logger(label: "reprise") { _ in LineLogHandler(format: format, logLevel: level) }
    }

    func makeNodeConfiguration(logger: Logger) -> NodeConfiguration {
        var node = NodeConfiguration(memoryByteCount: configuration.memory.byteCount)
        node.memory.locksMemory = configuration.memory.isLocked
        node.evictionPolicy = configuration.memory.evictionPolicy
        // CONFIG SET may raise the server's limit later.
        let valueByteCountMax = max(node.limits.valueByteCountMax, configuration.server.valueByteCountMax)
        node.limits.valueByteCountMax = valueByteCountMax
        node.disks = configuration.disks
        node.report = { $0.log(to: logger) }
        return node
    }

    func makeServerConfiguration(logger: Logger) throws(CommandFailure) -> ServerConfiguration {
        let settings = configuration.server
        var server = ServerConfiguration()
        server.access = try makeAccessPolicy()
        server.clusterAnnouncement = settings.clusterAnnouncement.map {
            ClusterAnnouncement(host: $0.host, port: $0.port)
        }
        server.versionText = RepriseVersion.text
        server.host = settings.servesTCP ? settings.host : nil
        server.port = settings.port
        server.unixPath = settings.unixPath
        server.threadCount = settings.threadCount
        server.logger = logger
        server.limits.valueByteCountMax = settings.valueByteCountMax
        server.limits.connectionCountMax = settings.connectionCountMax
        server.limits.minimumTransferRate = settings.minimumTransferRate
        server.limits.drainTimeMax = settings.drainTimeMax
        return server
    }

    private func makeAccessPolicy() throws(CommandFailure) -> AccessPolicy {
        var policy = AccessPolicy()
        policy.isUnprotected = configuration.server.isUnprotected
        policy.lmAllowedNetworks = lmAllowedNetworks
        if let passwordFile = configuration.server.passwordFile {
            let password = try PasswordFile.firstLine(of: passwordFile)
            guard !password.isEmpty else {
                throw CommandFailure(.usage, "\(passwordFile): its first line, the password, is empty")
            }
            policy.password = password
        } else {
            policy.password = EnvironmentText.bytes(of: NodeOptions.passwordVariable)
        }
        return policy
    }
}
