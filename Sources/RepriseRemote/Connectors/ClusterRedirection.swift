internal import RepriseCore

/// Where a cluster's node sends a client.
internal struct ClusterRedirection {
    /// The node to turn to.
    let url: NodeURL
    /// Whether just this once, with `ASKING`.
    let isOnce: Bool

    /// Reads an error; `nil` when it is no redirection.
    init?(_ error: RemoteError, from url: NodeURL) {
        guard error.code == .rejected else { return nil }
        let words = error.message.split(separator: " ")
        guard words.count == 3, words[0] == "MOVED" || words[0] == "ASK",
            let colon = words[2].lastIndex(of: ":"),
            let port = UInt16(words[2][words[2].index(after: colon)...]), port > 0
        else { return nil }
        let host = String(words[2][..<colon])
        self.url = NodeURL(.resp, .tcp(host: host.isEmpty ? url.host : host, port: port))
        isOnce = words[0] == "ASK"
    }
}

extension NodeURL {
    /// The host of a TCP address; empty for a Unix socket.
    internal var host: String {
        if case .tcp(let host, _) = address { host } else { "" }
    }
}
