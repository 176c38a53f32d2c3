internal import RepriseRemote

/// Where a node listens, as URLs of a remote store may name it.
internal struct OwnAddress {
    private let server: Configuration.Server
    private let hosts: Set<String>
    private let others: [HostAndPort]

    init(_ configuration: Configuration, machine: MachineFacts) {
        server = configuration.server
        others = [configuration.advertisedAddress, configuration.server.clusterAnnouncement]
            .compactMap(\.self)
        var hosts: Set = [server.host.lowercased()]
        let isEverywhere = ["0.0.0.0", "::", "*"].contains(server.host)
        if isEverywhere || Self.isLoopback(server.host) { hosts.formUnion(Self.loopback) }
        if isEverywhere { hosts.formUnion(machine.hostNames.map { $0.lowercased() }) }
        self.hosts = hosts
    }

    private static let loopback = ["localhost", "127.0.0.1", "::1", "0.0.0.0", "::"]

    private static func isLoopback(_ host: String) -> Bool {
        host.lowercased() == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// Whether the store is the node itself.
    func isNamed(by url: RemoteURL) -> Bool { isNamed(by: url.store) }

    private func isNamed(by store: RemoteURL.Store) -> Bool {
        switch store {
        case .lm(let url), .resp(let url, _): return isNamed(by: url)
        case .sentinel(let urls, _), .cluster(let urls): return urls.contains(where: isNamed)
        case .audit(let inner): return isNamed(by: inner)
        case .files, .blackhole: return false
        }
    }

    private func isNamed(by url: NodeURL) -> Bool {
        switch url.address {
        case .unix(let path): return path == server.unixPath
        case .tcp(let host, let port):
            let host = host.lowercased()
            if others.contains(where: { $0.host.lowercased() == host && $0.port == port }) { return true }
            return server.servesTCP && port == server.port && hosts.contains(host)
        }
    }
}
