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
    private static let defaultPort: UInt16 = 6379
    private static let defaultSentinelPort: UInt16 = 26_379
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

/// The parts of a remote URL's text.
private struct RemoteURLParts {
    let scheme: String
    let authority: String
    /// With its slash; empty when there is none.
    let path: String
    let parameters: [String: String]

    init(_ text: String) throws(NodeURLProblem) {
        let halves = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, !halves[0].isEmpty else {
            throw NodeURLProblem("there is no scheme; write it as redis://host:port")
        }
        scheme = String(halves[0])
        guard scheme != "audit" else {
            (authority, path, parameters) = (String(halves[1]), "", [:])
            return
        }
        let query = halves[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let slash = query[0].firstIndex(of: "/") ?? query[0].endIndex
        authority = String(query[0][..<slash])
        path = String(query[0][slash...])
        parameters = query.count == 2 ? try Self.parameters(query[1]) : [:]
    }

    private static func parameters(_ text: Substring) throws(NodeURLProblem) -> [String: String] {
        var parameters: [String: String] = [:]
        let words = text.split(separator: "&")
        guard words.count <= RemoteURL.partCountMax else { throw NodeURLProblem("too many parameters") }
        for word in words {
            let sides = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2 else { throw NodeURLProblem("a parameter is written as name=value") }
            parameters[String(sides[0])] = String(sides[1])
        }
        return parameters
    }

    func url() throws(NodeURLProblem) -> RemoteURL {
        let (credentials, hosts) = try NodeURL.splitCredentials(scheme == "audit" ? "" : authority)
        switch scheme {
        case "lm":
            let url = NodeURL(.lm, try one(hosts, NodeURL.defaultPort))
            guard credentials == nil else { throw NodeURLProblem("lm has no passwords") }
            return RemoteURL(.lm(url), nil, .record)
        case "redis", "valkey", "resp":
            let url = NodeURL(.resp, try one(hosts, RemoteURL.port(of: scheme)))
            return RemoteURL(.resp(url, database: try database()), credentials, try layout())
        case "unix":
            let url = NodeURL(.resp, try NodeURL.unix(parsing: path))
            let database = try number(parameters["db"] ?? "0")
            return RemoteURL(.resp(url, database: database), credentials, try layout())
        case "redis-sentinel":
            let urls = try several(hosts, RemoteURL.port(of: scheme))
            let name = parameters["service_name"] ?? RemoteURL.defaultServiceName
            return RemoteURL(.sentinel(urls, serviceName: name), credentials, try layout())
        case "redis-cluster":
            return RemoteURL(
                .cluster(try several(hosts, RemoteURL.port(of: scheme))),
                credentials,
                try layout()
            )
        case "fs": return RemoteURL(.files(try directories()), nil, .record)
        case "audit": return try audited()
        case "blackhole": return RemoteURL(.blackhole, nil, .record)
        default: throw NodeURLProblem(Self.refusal(of: scheme))
        }
    }

    private static func refusal(of scheme: String) -> String {
        switch scheme {
        case "rediss", "valkeys": "there is no TLS yet; use redis:// within a network that you trust"
        case "infinistore", "mooncakestore", "nixl", "eic", "sagemaker-hyperpod":
            "this store needs a client library of its own, which is not there; use redis:// or lm://"
        case "s3", "azure", "bigtable", "hfbucket":
            "object stores are not spoken to yet; use fs:// or redis://"
        default:
            "there is no such scheme; there are lm, redis, valkey, resp, unix, redis-sentinel, "
                + "redis-cluster, fs, audit and blackhole"
        }
    }

    private func audited() throws(NodeURLProblem) -> RemoteURL {
        let inner = try RemoteURLParts(authority).url()
        if case .audit = inner.store { throw NodeURLProblem("an audited store is not audited again") }
        return RemoteURL(.audit(inner.store), inner.credentials, inner.layout)
    }

    private func one(_ hosts: String, _ port: UInt16) throws(NodeURLProblem) -> NodeURL.Address {
        guard !hosts.contains(",") else {
            throw NodeURLProblem("\(scheme):// has one host; for several there is redis-cluster://")
        }
        return try NodeURL.tcp(parsing: hosts, defaultPort: port)
    }

    private func several(_ hosts: String, _ port: UInt16) throws(NodeURLProblem) -> [NodeURL] {
        let words = hosts.split(separator: ",", omittingEmptySubsequences: false)
        guard words.count <= RemoteURL.partCountMax else { throw NodeURLProblem("too many hosts") }
        var urls: [NodeURL] = []
        for word in words {
            urls.append(NodeURL(.resp, try NodeURL.tcp(parsing: String(word), defaultPort: port)))
        }
        return urls
    }

    private func database() throws(NodeURLProblem) -> Int {
        path.isEmpty || path == "/" ? 0 : try number(path.dropFirst())
    }

    private func number(_ text: some StringProtocol) throws(NodeURLProblem) -> Int {
        guard let number = Int(text), (0...RemoteURL.databaseMax).contains(number) else {
            throw NodeURLProblem("a database is a number, as in redis://host:port/0")
        }
        return number
    }

    private func layout() throws(NodeURLProblem) -> RemoteLayout {
        guard let word = parameters["layout"] else { return .record }
        guard let layout = RemoteLayout(rawValue: word) else {
            throw NodeURLProblem("a layout is 'record' or 'lmcache'")
        }
        return layout
    }

    private func directories() throws(NodeURLProblem) -> [String] {
        let words = path.split(separator: ",")
        guard !words.isEmpty, words.count <= RemoteURL.partCountMax, words.allSatisfy({ $0.hasPrefix("/") })
        else { throw NodeURLProblem("a directory is an absolute path, as in fs://host:0/path") }
        return words.map(String.init)
    }
}

extension RemoteURL {
    fileprivate static func port(of scheme: String) -> UInt16 {
        switch scheme {
        case "redis-sentinel": defaultSentinelPort
        default: defaultPort
        }
    }
}
