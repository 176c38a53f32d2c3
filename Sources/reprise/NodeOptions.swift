import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseWire

/// The options of every command that speaks to a node.
struct NodeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the node listens: lm://host:port, lm://[::1]:port or unix:///path. "
                + "(default: lm://127.0.0.1:65432)",
            valueName: "url"
        ),
        transform: OptionText.url
    )
    var url: NodeURL = .tcp(host: "127.0.0.1", port: NodeURL.defaultPort)

    @Option(
        help: ArgumentHelp(
            "The lm dialect: current (LMCache 0.5), seed (0.2 and 0.3) or v0.",
            valueName: "dialect"
        )
    )
    var dialect: Dialect = .current

    @Option(
        help: ArgumentHelp(
            "How long to wait for the node's next bytes, such as 250ms; 0s waits for ever. (default: 30s)",
            valueName: "duration"
        ),
        transform: OptionText.duration
    )
    var timeout: Duration = .seconds(30)

    /// Connects to the node.
    func connect() throws(RemoteError) -> LMConnection {
        try LMConnection(connectingTo: url, dialect: dialect.wire, timeouts: timeouts)
    }

    /// The time limits that --timeout sets.
    var timeouts: RemoteTimeouts {
        let limit: Duration? = timeout == .zero ? nil : timeout
        return RemoteTimeouts(connect: limit, transfer: limit)
    }

    /// The dialects by the names that the command line gives them.
    enum Dialect: String, CaseIterable, ExpressibleByArgument {
        case current, seed, v0

        /// The dialect.
        var wire: LMDialect {
            switch self {
            case .current: .current
            case .seed: .seed
            case .v0: .v0
            }
        }
    }
}
