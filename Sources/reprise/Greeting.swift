import RepriseConfiguration
import RepriseCore
import RepriseDisk
import RepriseNode
import RepriseRemote
import RepriseServer

/// What a node says when it serves: the exact settings with which clients reach it.
struct Greeting {
    private let configuration: Configuration
    private let endpoints: Server.Endpoints
    private let node: Node
    private let needsPassword: Bool

    init(_ configuration: Configuration, _ endpoints: Server.Endpoints, _ node: Node, needsPassword: Bool) {
        self.configuration = configuration
        self.endpoints = endpoints
        self.node = node
        self.needsPassword = needsPassword
    }

    private var host: String { configuration.server.host }

    /// The lines, each with its end.
    var text: String {
        let size = ByteSize(node.memory.pool.capacityByteCount)
        let policy = configuration.memory.evictionPolicy.rawValue
        var lines = ["reprise serves \(size) of memory, evicting by \(policy)"]
        for (disk, statistics) in zip(configuration.disks, node.disk?.statistics ?? []) {
            let found = statistics.entryCount
            lines.append("  disk \(disk.path):      \(ByteSize(disk.byteCount)), \(found) values found")
        }
        if let remote = configuration.remote {
            lines.append("  remote store:          \(remote.urlText)")
        }
        if let directory = node.directory {
            let holder = directory.holder
            lines.append("  other nodes:           come to \(KeyHolder.text(holder.host, holder.port))")
        }
        if let port = endpoints.port {
            let host = self.host.contains(":") ? "[\(self.host)]" : self.host
            let url = "lm://\(host):\(port)"
            let redisURL = "redis://\(host):\(port)"
            let redisCommand = redisCommand(port)
            lines += [
                "  LMCache (0.2 to 0.5):  LMCACHE_REMOTE_URL=\(url) LMCACHE_REMOTE_SERDE=naive",
                "                         or, in its YAML file:  remote_url: \"\(url)\"",
                "  Swift:                 try LMConnection(connectingTo: NodeURL(parsing: \"\(url)\"))",
                "  Redis clients:         \(redisCommand), or \(redisURL)",
                "  shell:                 reprise stat --url \(url)",
            ]
        }
        if let path = endpoints.unixPath {
            lines += [
                "  on this machine:       reprise stat --url unix://\(path), or redis+unix://\(path)",
                "  vLLM, SGLang, LMCache: REPRISE_SOCKET=\(path), without copies through a socket",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// How redis-cli reaches the node.
    private func redisCommand(_ port: UInt16) -> String {
        // redis-cli's own default is this address.
        let host = self.host == "127.0.0.1" ? "" : " -h \(self.host)"
        return "redis-cli\(host) -p \(port)" + (needsPassword ? " --askpass" : "")
    }
}
