import Testing

@testable import RepriseConfiguration

@Suite struct `Systems that are not spoken` {
    @Test(arguments: [
        ("enable_blending: true", "blending"), ("enable_nixl: 1", "NIXL"), ("enable_pd: true", "remote_url"),
        ("enable_xpyd: true", "remote_url"), ("enable_controller: true", "lookup_url"),
        ("gds_path: /gds", "disks"), ("weka_path: /weka", "Weka"), ("maru_path: /m", "Maru"),
        ("audit_actual_remote_url: lm://h:1", "audit://"), ("storage_plugins: [a]", "remote_url"),
        ("external_backends: a", "remote_url"), ("remote_storage_plugins: mooncake", "remote_url"),
        ("external_lookup_client: mooncakestore://h:1", "lookup_url"),
        ("remote_config_url: http://h", "--config"), ("local_device: cuda", "max_local_cpu_size"),
        ("local_device: file:///d/", "local_disk"), ("remote_serde: cachegen", "fp8"),
        ("remote_serde: KIVI", "fp8"), ("remote_serde: torch", "naive"),
        ("remote_url: infinistore://h:1", "redis://"), ("remote_url: mooncakestore://h:1", "redis://"),
        ("infinistore_config: x", "redis://"), ("mooncake_master: h:1", "redis://"),
        ("nixl_backend: UCX", "remote_url"), ("enable_nixl_storage: true", "remote_url"),
        ("extra_config: {enable_nixl_storage: true}", "NIXL"),
        ("extra_config: {mooncake_prefer_local_alloc: {a: 1}}", "Mooncake"),
        ("extra_config: {sagemaker_hyperpod_bucket: b}", "HyperPod"),
    ])
    func `are refused with the reason and the alternative`(yaml: String, word: String) {
        let message = Resolving.failure(.refused, "# first\n\(yaml)")
        #expect(message.hasPrefix("cache.yaml:2: \(yaml.prefix { $0 != ":" }): "), "\(message)")
        #expect(message.contains(word), "\(message)")
    }

    @Test(arguments: [
        "enable_blending: false", "enable_nixl: 0", "enable_pd: False", "gds_path: null", "gds_path: ''",
        "storage_plugins: []", "local_device: cpu", "extra_config: {enable_nixl_storage: false}",
        "extra_config: {nixl_backend: null}", "extra_config: {anything: [1]}", "extra_config: {}",
        "blend_recompute_ratios: [0.1]", "nixl_role: sender", "pd_allocation_timeout_sec: inf",
        "p2p_init_ports: 1,2", "lmcache_worker_ports: [1]",
    ])
    func `do no harm while they are off`(yaml: String) throws {
        _ = try Resolving.resolve(yaml)
    }

    @Test func `are refused in variables, too`() {
        let blending = Resolving.failure(.refused, environment: ["LMCACHE_ENABLE_BLENDING": "True"])
        #expect(blending.hasPrefix("LMCACHE_ENABLE_BLENDING: "))
        let extra = ["LMCACHE_EXTRA_CONFIG": #"{"enable_nixl_storage": true}"#]
        #expect(Resolving.failure(.refused, environment: extra).contains("NIXL"))
    }

    @Test func `may be overridden by what is spoken`() throws {
        let environment = ["LMCACHE_REMOTE_SERDE": "cachegen", "LMCACHE_ENABLE_BLENDING": "false"]
        let flags = Resolving.flags(["remote_serde": "naive"])
        _ = try Resolving.resolve("enable_blending: true", environment: environment, flags: flags)
    }
}
