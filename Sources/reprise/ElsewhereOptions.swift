import ArgumentParser
import RepriseConfiguration

/// Where a node asks for what it does not have, and how others reach it.
struct ElsewhereOptions: ParsableArguments {
    @Option(
        name: .customLong("remote-url"),
        help: ArgumentHelp(
            "A store behind the node, such as redis://[:password@]host:port, redis-cluster://host:port, "
                + "lm://host:port or fs://host:0/path. Unlike here, a password in $REPRISE_REMOTE_URL or a "
                + "file is not seen in the list of processes.",
            valueName: "url"
        )
    )
    var remoteURL: String?

    @Option(
        help: ArgumentHelp(
            "How values are kept there: naive, as they are, or fp8, in half of the bytes and not the same. "
                + "(default: naive)",
            valueName: "serde"
        )
    )
    var remoteSerde: String?

    @Option(
        help: ArgumentHelp(
            "How long it may take to answer: what takes longer is a miss. (default: 10s)",
            valueName: "duration"
        )
    )
    var remoteTimeout: String?

    @Option(
        name: .customLong("lookup-url"),
        help: ArgumentHelp(
            "The Redis or Valkey in which nodes find each other's values: host:port, or a URL.",
            valueName: "url"
        )
    )
    var lookupURL: String?

    @Option(
        help: ArgumentHelp(
            "How other nodes reach this one. (default: where it listens)",
            valueName: "host:port"
        )
    )
    var advertise: String?

    func add(to flags: inout ConfigurationFlags) {
        flags.set("remote_url", remoteURL)
        flags.set("remote_serde", remoteSerde)
        flags.set("remote_timeout", remoteTimeout)
        flags.set("lookup_url", lookupURL)
        flags.set("advertise", advertise)
    }
}
