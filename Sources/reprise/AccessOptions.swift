import ArgumentParser
import RepriseConfiguration

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

    @Flag(
        inversion: .prefixedNo,
        help: "Allow serving other machines without a password: whoever reaches the node can use it."
    )
    var unprotected: Bool?

    @Option(
        help: ArgumentHelp(
            "A network whose lm:// clients, which cannot authenticate, are served beside this machine's; "
                + "repeatable.",
            valueName: "cidr"
        )
    )
    var lmAllow: [String] = []

    @Option(
        help: ArgumentHelp(
            "A user, by number, whose programs may read this node's memory by the Unix socket, and store "
                + "through it; repeatable. The node's own user may always.",
            valueName: "uid"
        )
    )
    var localAllowUid: [String] = []

    @Option(
        help: ArgumentHelp(
            "Present the node as a Redis Cluster of one, reached here by cluster clients.",
            valueName: "host:port"
        )
    )
    var clusterAnnounce: String?

    func add(to flags: inout ConfigurationFlags) {
        flags.set("password_file", passwordFile)
        flags.set(
            "unprotected",
            unprotected,
            flag: unprotected == false ? "--no-unprotected" : "--unprotected"
        )
        flags.set("lm_allow", lmAllow)
        flags.set("local_allow_uid", localAllowUid)
        flags.set("cluster_announce", clusterAnnounce)
    }
}
