import Logging
import RepriseConfiguration
import RepriseCore
import RepriseDisk
import RepriseNode
import RepriseRemote
import RepriseServer

/// A resolved configuration in the terms of node and server.
struct ServePlan {
    let resolved: ResolvedConfiguration
    /// The networks whose `lm://` clients are served.
    let lmAllowedNetworks: [NetworkRange]
    /// The users who may read by the Unix socket.
    let localAllowedUsers: Set<UInt32>

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
        var users: Set<UInt32> = []
        for text in resolved.configuration.server.localAllowedUsers {
            guard let user = UInt32(text) else {
                throw resolved.error(in: "local_allow_uid", "'\(text)' is no user's number; see id -u")
            }
            users.insert(user)
        }
        localAllowedUsers = users
    }

    func makeLogger() -> Logger {
        let level = Logger.Level(rawValue: configuration.log.level.rawValue) ?? .info
        let format = LineLogHandler.Format(rawValue: configuration.log.format.rawValue) ?? .text
        return Logger(label: "reprise") { _ in LineLogHandler(format: format, logLevel: level) }
    }

    func makeNodeConfiguration(logger: Logger) throws(ConfigurationError) -> NodeConfiguration {
        var node = NodeConfiguration(memoryByteCount: configuration.memory.byteCount)
        node.memory.locksMemory = configuration.memory.isLocked
        node.evictionPolicy = configuration.memory.evictionPolicy
        // CONFIG SET may raise the server's limit later.
        let valueByteCountMax = max(node.limits.valueByteCountMax, configuration.server.valueByteCountMax)
        node.limits.valueByteCountMax = valueByteCountMax
        node.disks = configuration.disks
        node.report = { $0.log(to: logger) }
        node.remote = configuration.remote.map(makeRemoteConfiguration)
        node.lookup = try makeLookupConfiguration()
        return node
    }

    private func makeRemoteConfiguration(_ settings: Configuration.Remote) -> RemoteConfiguration {
        var remote = RemoteConfiguration(url: settings.url)
        remote.limits.callTimeMax = settings.timeout
        remote.limits.connectTimeMax = min(remote.limits.connectTimeMax, settings.timeout)
        if settings.serde == .fp8 { remote.serde = FP8Serde(headElementCount: Self.headElementCount) }
        return remote
    }

    /// The head size of the models that are served most; rows that are not whole heads are kept as they are.
    private static let headElementCount = 128

    private func makeLookupConfiguration() throws(ConfigurationError) -> LookupConfiguration? {
        guard let peers = configuration.peers else { return nil }
        let server = configuration.server
        let address = peers.advertisedAddress.map { (host: $0.host, port: $0.port) }
        let (host, port) = address ?? (server.host, server.port)
        guard address != nil || server.servesTCP && port != 0 && !Self.wildcards.contains(host) else {
            throw resolved.error(
                in: "lookup_url",
                "other nodes have to reach this one: say how by --advertise HOST:PORT"
            )
        }
        return LookupConfiguration(url: peers.lookupURL, holder: KeyHolder(host: host, port: port))
    }

    /// Addresses that stand for all of a machine's, and can be reached at none.
    private static let wildcards: Set<String> = ["0.0.0.0", "::", "*", ""]

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
        policy.localAllowedUsers = localAllowedUsers
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
