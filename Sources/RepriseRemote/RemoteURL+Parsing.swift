/// The parts of a remote URL's text.
internal struct RemoteURLParts {
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
