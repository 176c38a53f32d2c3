/// Where a remote store is, as LMCache's `remote_url` says it.
///
/// `scheme://[[user]:password@]host:port[,host:port…][/database or path][?name=value&…]`
///
/// | scheme | store | hosts |
/// | --- | --- | --- |
/// | `lm` | LMCache's server or a Reprise node | one |
/// | `redis`, `valkey`, `resp` | Redis or Valkey | one; `/n` is the database |
/// | `unix` | the same on a Unix socket; the path is the socket's | none |
/// | `redis-sentinel` | the master that sentinels name; `?service_name=` | one or more |
/// | `redis-cluster` | a cluster of which some nodes are named | one or more |
/// | `fs` | a directory, or several separated by commas, on a file system | none; the host is ignored |
/// | `audit` | another store, checked; `audit://` is followed by its URL | that store's |
/// | `blackhole` | nothing | any |
///
/// - Source: LMCache `lmcache/v1/storage_backend/connector/__init__.py`; docs/REMOTE.md § 1.
public struct RemoteURL: Hashable, Sendable {
    /// What kind of store it is.
    public indirect enum Store: Hashable, Sendable {
        /// A server that speaks `lm://`.
        case lm(NodeURL)
        /// A server that speaks RESP, and one of its databases.
        case resp(NodeURL, database: Int)
        /// The master that sentinels name.
        case sentinel([NodeURL], serviceName: String)
        /// A cluster.
        case cluster([NodeURL])
        /// Directories.
        case files([String])
        /// Another store, checked.
        case audit(Store)
        /// Nothing.
        case blackhole
    }

    /// The store.
    public let store: Store
    /// As whom to speak.
    public let credentials: NodeCredentials?
    /// How values lie in a store that speaks RESP; `?layout=lmcache` is LMCache's.
    public let layout: RemoteLayout

    /// The name that sentinels know the master by, unless the URL says another one; LMCache's.
    public static let defaultServiceName = "redismaster"
    /// The port of a Redis server, and of a sentinel, where a URL says none.
    internal static let defaultPort: UInt16 = 6379
    internal static let defaultSentinelPort: UInt16 = 26_379
    /// The most hosts, directories or parameters of a URL.
    public static let partCountMax = 100
    /// The highest number of a database.
    public static let databaseMax = 1_000_000

    /// Reads a URL.
    ///
    /// - Throws: ``RemoteError`` with code `invalidURL`, which says what is allowed.
    public init(parsing text: String) throws(RemoteError) {
        do throws(NodeURLProblem) {
            self = try RemoteURLParts(text).url()
        } catch {
            let scheme = text.split(separator: "://", maxSplits: 1).first.map(String.init) ?? ""
            // What follows the scheme may hold a password.
            throw RemoteError(.invalidURL, "'\(scheme)://…': \(error.reason)")
        }
    }

    internal init(_ store: Store, _ credentials: NodeCredentials?, _ layout: RemoteLayout) {
        self.store = store
        self.credentials = credentials
        self.layout = layout
    }

    /// Makes what speaks to the store; nothing is connected yet.
    ///
    /// - Parameter ledger: What `audit` remembers, shared by all connectors of one backend.
    public func makeConnector(
        timeouts: RemoteTimeouts = RemoteTimeouts(),
        ledger: AuditConnector.Ledger = AuditConnector.Ledger()
    ) -> any RemoteConnector {
        connector(store, timeouts, ledger)
    }

    private func connector(
        _ store: Store,
        _ timeouts: RemoteTimeouts,
        _ ledger: AuditConnector.Ledger
    ) -> any RemoteConnector {
        switch store {
        case .lm(let url): return LMConnector(url, timeouts: timeouts)
        case .resp(let url, let database):
            let url = url.with(credentials)
            return RESPConnector(url, database: database, layout: layout, timeouts: timeouts)
        case .sentinel(let urls, let serviceName):
            return RESPConnector(
                sentinels: urls,
                serviceName: serviceName,
                credentials: credentials,
                layout: layout,
                timeouts: timeouts
            )
        case .cluster(let urls):
            return RESPConnector(cluster: urls, credentials: credentials, layout: layout, timeouts: timeouts)
        case .files(let directories): return FileConnector(directories: directories)
        case .audit(let inner): return AuditConnector(connector(inner, timeouts, ledger), ledger: ledger)
        case .blackhole: return BlackholeConnector()
        }
    }
}
