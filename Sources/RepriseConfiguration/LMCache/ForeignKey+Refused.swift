extension ForeignKey {
    /// What asks for a system that is not spoken.
    internal static let refused: [ForeignKey] = [
        refused(
            "enable_blending",
            .truth,
            "blending recomputes parts of chunks within the engine, which is not there; chunks are shared as "
                + "prefixes: leave it out"
        ),
        refused("enable_nixl", .truth, nixl),
        refused("enable_pd", .truth, disaggregation),
        refused("enable_xpyd", .truth, disaggregation),
        refused(
            "enable_controller",
            .truth,
            "LMCache's controller is not spoken; nodes find each other's values by lookup_url and advertise"
        ),
        refused("gds_path", .text, files("GPUDirect Storage")),
        refused("weka_path", .text, files("Weka's file system")),
        refused("maru_path", .text, "Maru's CXL memory is not spoken; use memory and disks"),
        refused(
            "audit_actual_remote_url",
            .text,
            "the store to be audited is part of remote_url: write remote_url: audit://redis://host:port"
        ),
        refused("storage_plugins", .list, plugins),
        refused("external_backends", .list, plugins),
        refused("remote_storage_plugins", .list, plugins),
        refused(
            "external_lookup_client",
            .text,
            "a node looks keys up itself, and in other nodes by lookup_url; leave it out"
        ),
        refused(
            "remote_config_url",
            .text,
            "settings are not fetched from a service; write them to a file and name it by --config"
        ),
        ForeignKey(name: "local_device", kind: .text, verdict: .refused(firstVersions), harmless: "cpu"),
    ]

    private static let firstVersions =
        "a key of LMCache's first versions (V0); write max_local_cpu_size for memory, and local_disk with "
        + "max_local_disk_size for a disk"
    private static let nixl =
        "NIXL moves bytes between GPUs, and is not spoken; use remote_url (redis://, lm://, fs://), or "
        + "lookup_url and advertise"
    private static let disaggregation =
        "prefill and decode exchange chunks through the store, not by LMCache's transfer channel; use "
        + "remote_url on both sides"
    private static let plugins =
        "Python classes cannot be loaded here; use remote_url (redis://, redis-cluster://, valkey://, lm://, "
        + "fs://)"

    private static func files(_ name: String) -> String {
        "\(name) is not spoken; use disks, or remote_url: fs://host:0/path"
    }

    private static func refused(_ name: String, _ kind: Kind, _ why: String) -> ForeignKey {
        ForeignKey(name: name, kind: kind, verdict: .refused(why))
    }

    /// Systems whose keys are not listed one by one, by the beginning of their names.
    internal static let refusedPrefixes: [(prefix: String, why: String)] = [
        (
            "infinistore",
            "Infinistore needs a client library of its own, which is not there; use redis:// or lm://"
        ),
        ("mooncake", "Mooncake needs a client library of its own, which is not there; use redis:// or lm://"),
        ("nixl", nixl), ("enable_nixl", nixl),
        ("sagemaker_hyperpod", "SageMaker HyperPod's store is not spoken; use redis:// or lm://"),
        ("gds", files("GPUDirect Storage")),
    ]

    /// Why a name belongs to a system that is not spoken.
    internal static func refusal(ofName name: String) -> String? {
        refusedPrefixes.first { name.lowercased().hasPrefix($0.prefix) }?.why
    }
}
