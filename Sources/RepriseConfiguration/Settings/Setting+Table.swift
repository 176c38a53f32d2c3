internal import RepriseCore

extension Setting {
    /// Every setting, in the order in which they are shown.
    public static let all: [Setting] =
        listening + access + memory + disks + remote + peers + limits + log + engine

    private static let listening = [
        Setting("host", .listening, \.server.host, .text, "The name or address to listen on."),
        Setting("port", .listening, \.server.port, .port, "The TCP port; 0 lets the system choose."),
        Setting("unix", .listening, \.server.unixPath, SettingKind.text.optional, "Also a Unix socket here."),
        Setting("tcp", .listening, \.server.servesTCP, .truth, "Whether to listen on TCP at all."),
        Setting("threads", .listening, \.server.threadCount, .count(1...256), "Threads for connections."),
    ]

    private static let access = [
        Setting(
            "password_file",
            .access,
            \.server.passwordFile,
            SettingKind.text.optional,
            "A file whose first line is the password; else REPRISE_PASSWORD."
        ),
        Setting(
            "unprotected",
            .access,
            \.server.isUnprotected,
            .truth,
            "Serve other machines without a password."
        ),
        Setting(
            "lm_allow",
            .access,
            \.server.lmAllowedNetworks,
            SettingKind.text.list,
            "Networks whose lm:// clients are served."
        ),
        Setting(
            "local_allow_uid",
            .access,
            \.server.localAllowedUsers,
            SettingKind.text.list,
            "Numbers of users who may read by the Unix socket."
        ),
        Setting(
            "cluster_announce",
            .access,
            \.server.clusterAnnouncement,
            SettingKind.address.optional,
            "HOST:PORT of a Redis Cluster of one."
        ),
    ]

    private static let memory = [
        Setting(
            Setting(
                "memory",
                .memory,
                \.memory.amount,
                .memory,
                "Memory for values: a size, or a share.",
                others: [
                    Spelling("max_local_cpu_size", \.memory.amount, .memoryInGibibytes),
                    Spelling("max_local_cache_size", \.memory.amount, .memoryInGibibytes),
                ]
            ),
            showing: { ByteSize($0.memory.byteCount).description }
        ),
        Setting(
            "evictor",
            .memory,
            \.memory.evictionPolicy,
            .policy,
            "What is evicted first.",
            others: [Spelling("cache_policy", \.memory.evictionPolicy, .policy)]
        ),
        Setting("mlock", .memory, \.memory.isLocked, .truth, "Lock the memory, never to be swapped out."),
    ]

    private static let disks = [
        Setting(
            "disks",
            .disks,
            \.diskPlaces,
            SettingKind.disk.list.distinct,
            "Directories for values, each with what it may take.",
            others: [Spelling("local_disk", \.diskPlaces, SettingKind.localDisk.list.distinct)]
        ),
        Setting("disk_sync", .disks, \.diskSync, .choice, "When a value on a disk is safe: none or data."),
        Setting(
            "max_local_disk_size",
            .disks,
            \.localDiskByteCount,
            SettingKind.gibibytes(allowingZero: true).optional,
            "GiB of each of LMCache's local_disk; 0 keeps nothing on disk.",
            isLMCache: true
        ),
    ]

    private static let remote = [
        Setting(
            "remote_url",
            .remote,
            \.remoteURL,
            SettingKind.remoteURL.optional,
            "The remote store behind the node.",
            isLMCache: true
        ),
        Setting(
            "remote_serde",
            .remote,
            \.remoteSerde,
            .serde,
            "How values are written there: naive or fp8.",
            isLMCache: true
        ),
        Setting(
            "remote_timeout",
            .remote,
            \.remoteTimeout,
            .duration(min: .milliseconds(1)),
            "How long its next bytes are waited for.",
            others: [Spelling("blocking_timeout_secs", \.remoteTimeout, .seconds)]
        ),
    ]

    private static let peers = [
        Setting(
            "lookup_url",
            .peers,
            \.lookupURL,
            SettingKind.lookupURL.optional,
            "The Redis or Valkey in which nodes find each other's values.",
            isLMCache: true
        ),
        Setting(
            "advertise",
            .peers,
            \.advertisedAddress,
            SettingKind.address.optional,
            "HOST:PORT under which other nodes reach this one.",
            others: [Spelling("distributed_url", \.advertisedAddress, SettingKind.address.optional)]
        ),
        Setting(
            "enable_p2p",
            .peers,
            \.enablesPeers,
            SettingKind.truth.optional,
            "Whether lookup_url is used; it is, unless this says false.",
            isLMCache: true
        ),
    ]

    private static let limits = [
        Setting("max_value", .limits, \.server.valueByteCountMax, .size(min: 1), "The largest value."),
        Setting(
            "max_connections",
            .limits,
            \.server.connectionCountMax,
            .count(1...1_000_000),
            "The most connections at once."
        ),
        Setting(
            "minimum_transfer_rate",
            .limits,
            \.server.minimumTransferRate,
            .size(min: 0),
            "Bytes a second below which an unfinished transfer is cut."
        ),
        Setting(
            "drain_time",
            .limits,
            \.server.drainTimeMax,
            .duration(min: .zero),
            "How long SIGTERM waits for transfers in flight."
        ),
    ]

    private static let log = [
        Setting("log_level", .log, \.log.level, .choice, "The least level that is logged."),
        Setting("log_format", .log, \.log.format, .choice, "text or json, to standard error."),
    ]
}
