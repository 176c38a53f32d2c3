import ArgumentParser
import RepriseServer

/// Who may use a node.
struct AccessOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file whose first line is the password that RESP clients must give. Without it, "
                + "$REPRISE_PASSWORD is taken if it is set.",
            valueName: "file"
        ),
        completion: .file()
    )
    var passwordFile: String?

    @Flag(help: "Allow serving other machines without a password: whoever reaches the node can use it.")
    var unprotected = false

    @Option(
        help: ArgumentHelp(
            "A network whose lm:// clients, which cannot authenticate, are served beside this machine's; "
                + "repeatable.",
            valueName: "cidr"
        ),
        transform: AccessOptions.network
    )
    var lmAllow: [NetworkRange] = []

    @Option(
        help: ArgumentHelp(
            "Present the node as a Redis Cluster of one, reached here by cluster clients.",
            valueName: "host:port"
        ),
        transform: AccessOptions.announcement
    )
    var clusterAnnounce: ClusterAnnouncement?

    /// The policy that the options describe.
    func policy() throws(CommandFailure) -> AccessPolicy {
        var policy = AccessPolicy()
        policy.isUnprotected = unprotected
        policy.lmAllowedNetworks = lmAllow
        if let passwordFile {
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

    private static func network(_ text: String) throws -> NetworkRange {
        do {
            return try NetworkRange(parsing: text)
        } catch {
            throw ValidationError(error.message)
        }
    }

    private static func announcement(_ text: String) throws -> ClusterAnnouncement {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            port > 0
        else { throw ValidationError("'\(text)': write HOST:PORT, as clients reach the node") }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty, host.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw ValidationError("'\(text)': the host is empty, or is no name or address")
        }
        return ClusterAnnouncement(host: host, port: port)
    }
}
