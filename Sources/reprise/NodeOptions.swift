import ArgumentParser
import RepriseCore
import RepriseRemote
import RepriseWire

/// The options of every command that speaks to a node.
struct NodeOptions: ParsableArguments {
    /// The environment's variable that may hold the password.
    static let passwordVariable = "REPRISE_PASSWORD"

    // Read here and judged in `validate()`: the argument parser's own message would show the whole URL, and
    // with it the password.
    @Option(
        name: .customLong("url"),
        help: ArgumentHelp(
            "Where the node listens: lm://host:port, lm://[::1]:port or unix:///path, or, to speak RESP to a "
                + "node or to Redis, redis://[:password@]host:port or redis+unix:///path. "
                + "(default: lm://127.0.0.1:65432)",
            valueName: "url"
        ),
        completion: .list(NodeURL.schemes),
        transform: NodeOptions.parse
    )
    var parsedURL: Result<NodeURL, RemoteError> = .success(
        .tcp(host: "127.0.0.1", port: NodeURL.defaultPort)
    )

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the password, for redis:// only. Unlike a URL's it is not seen in "
                + "the list of processes; neither is one in $REPRISE_PASSWORD, which comes last.",
            valueName: "file"
        ),
        completion: .file()
    )
    var passwordFile: String?

    @Option(
        help: ArgumentHelp(
            "The lm dialect: current (LMCache 0.5), seed (0.2 and 0.3) or v0. (default: current)",
            valueName: "dialect"
        )
    )
    var dialect: Dialect?

    @Option(
        help: ArgumentHelp(
            "How long to wait for the node's next bytes, such as 250ms; 0s waits for ever. (default: 30s)",
            valueName: "duration"
        ),
        transform: OptionText.duration
    )
    var timeout: Duration = .seconds(30)

    func validate() throws {
        if case .failure(let error) = parsedURL { throw ValidationError(error.message) }
        guard url.wire == .lm || dialect == nil else {
            throw ValidationError("--dialect belongs to lm:// and unix://; RESP has none")
        }
        guard passwordFile == nil || url.wire == .resp else {
            throw ValidationError("--password-file belongs to redis:// and redis+unix://: lm has none")
        }
        guard passwordFile == nil || url.credentials == nil else {
            throw ValidationError("give the password once: in the URL or by --password-file")
        }
    }

    /// Where the node listens, as --url says it.
    var url: NodeURL {
        // Until it is validated, wrong text stands for the default: help and other options do not care.
        (try? parsedURL.get()) ?? .tcp(host: "127.0.0.1", port: NodeURL.defaultPort)
    }

    /// Where the node listens, with the password from wherever it is given.
    func completeURL() throws -> NodeURL {
        guard url.wire == .resp, url.credentials == nil else { return url }
        if let passwordFile {
            return url.with(try NodeCredentials(password: try PasswordFile.firstLine(of: passwordFile)))
        }
        guard let password = EnvironmentText.bytes(of: NodeOptions.passwordVariable) else { return url }
        return url.with(try NodeCredentials(password: password))
    }

    /// Connects to the node.
    func connect() throws -> NodeConnection {
        try NodeConnection(connectingTo: try completeURL(), dialect: wireDialect, timeouts: timeouts)
    }

    /// The dialect to speak over lm.
    var wireDialect: LMDialect { (dialect ?? .current).wire }

    /// The time limits that --timeout sets.
    var timeouts: RemoteTimeouts {
        let limit: Duration? = timeout == .zero ? nil : timeout
        return RemoteTimeouts(connect: limit, transfer: limit)
    }

    private static func parse(_ text: String) -> Result<NodeURL, RemoteError> {
        do throws(RemoteError) {
            return .success(try NodeURL(parsing: text))
        } catch {
            return .failure(error)
        }
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
