import RepriseDisk
import RepriseRemote
import Testing

@testable import RepriseConfiguration

@Suite struct `LMCache's keys` {
    /// The keys of LMCache 0.2's configuration and V0's, docs' and source's.
    static let seedNames = """
        chunk_size local_cpu max_local_cpu_size local_disk max_local_disk_size remote_url remote_serde
        save_decode_cache enable_blending blend_recompute_ratio blend_min_tokens blend_special_str enable_p2p
        lookup_url distributed_url error_handling enable_nixl nixl_role nixl_peer_host nixl_peer_port
        nixl_receiver_host nixl_receiver_port nixl_buffer_size nixl_buffer_device nixl_enable_gc
        enable_controller lmcache_instance_id controller_url lmcache_worker_port use_layerwise
        save_unfull_chunk blocking_timeout_secs extra_config audit_actual_remote_url weka_path gds_path
        cufile_buffer_size local_device max_local_cache_size pipelined_backend blend_separator
        blend_add_special_in_precomp
        """
    /// Those of 0.5.6, and the older names that it still reads.
    static let currentNames = """
        chunk_size local_cpu max_local_cpu_size local_cpu_use_hugepages reserve_local_cpu_size local_disk
        local_disk_path_sharding max_local_disk_size remote_url remote_serde use_layerwise save_decode_cache
        pre_caching_hash_algorithm enable_blending blend_recompute_ratios blend_thresholds
        blend_check_layers blend_min_tokens blend_special_str retrieve_locations store_location enable_p2p
        p2p_host p2p_init_ports p2p_lookup_ports mp_host mp_port enable_controller lmcache_instance_id
        controller_pull_url controller_reply_url lmcache_worker_ports lmcache_worker_ids
        lmcache_worker_heartbeat_delay_time lmcache_worker_heartbeat_time enable_pd pd_role pd_buffer_size
        pd_buffer_device pd_peer_host pd_peer_init_port pd_peer_alloc_port pd_peer_query_port pd_proxy_host
        pd_proxy_port pd_allocation_timeout_sec pd_shutdown_timeout_sec pd_condition_poll_interval_sec
        pd_max_prefill_len pd_backend_mode pd_skip_proxy_notification pd_bidirectional transfer_channel
        nixl_backends nixl_buffer_size nixl_buffer_device gds_path gds_path_sharding gds_buffer_size
        maru_path maru_pool_size use_gds gds_backend audit_actual_remote_url internal_api_server_host
        extra_config save_unfull_chunk blocking_timeout_secs external_lookup_client py_enable_gc
        cache_policy numa_mode enable_async_loading internal_api_server_enabled
        internal_api_server_port_start priority_limit internal_api_server_include_index_list
        internal_api_server_socket_path_prefix runtime_plugin_locations storage_plugins
        remote_storage_plugins lookup_timeout_ms min_retrieve_tokens hit_miss_ratio
        lookup_server_worker_ids enable_scheduler_bypass_lookup script_allowed_imports
        run_script_api_enabled enable_lazy_memory_allocator lazy_memory_initial_ratio
        lazy_memory_expand_trigger_ratio lazy_memory_step_ratio lazy_memory_safe_size
        enable_chunk_statistics chunk_statistics_auto_start_statistics
        chunk_statistics_auto_exit_timeout_hours chunk_statistics_auto_exit_target_unique_chunks
        chunk_statistics_strategy enable_kv_events use_gpu_connector_v3 pin_timeout_sec
        pin_check_interval_sec remote_config_url app_id enable_hidden_state_cache max_hidden_state_cpu_size
        hidden_state_layers hidden_states_retrieve_mode enable_xpyd nixl_peer_host nixl_peer_init_port
        nixl_peer_alloc_port nixl_proxy_host nixl_proxy_port nixl_role nixl_peer_port controller_url
        lmcache_worker_port plugin_locations external_backends
        """

    static var names: [String] {
        Set((seedNames + " " + currentNames).split { $0.isWhitespace }.map(String.init)).sorted()
    }

    @Test(arguments: names) func `every key of every version is known`(name: String) throws {
        #expect(KnownNames.file[name] != nil)
        #expect(KnownNames.lmcacheVariables["LMCACHE_\(name.uppercased())"] != nil)
        // Left empty, as in LMCache's own examples, none of them does harm.
        _ = try Resolving.resolve("\(name): null\n")
    }

    @Test func `nothing is in two tables`() {
        let names = Setting.all.flatMap(\.spellings).map(\.name) + KnownNames.foreign.map(\.name)
        #expect(names.count == Set(names).count)
    }

    @Test func `LMCache's own example is read`() throws {
        let yaml = """
            chunk_size: 256
            local_cpu: true
            max_local_cpu_size: 5.0
            local_disk: "file:///mnt/nvme0/"
            max_local_disk_size: 2.5
            remote_url: "redis://store:6379"
            remote_serde: "naive"
            cache_policy: LRU
            save_decode_cache: False
            enable_blending: false
            enable_p2p: False
            enable_nixl: False
            blocking_timeout_secs: 3
            extra_config: {save_chunk_meta: false}
            """
        let configuration = try Resolving.configuration(yaml)
        #expect(configuration.memory.byteCount == 5 << 30)
        #expect(configuration.disks.map(\.path) == ["/mnt/nvme0"])
        #expect(configuration.disks.map(\.byteCount) == [5 << 29])
        #expect(try configuration.remote?.url == RemoteURL(parsing: "redis://store:6379"))
        #expect(configuration.remote?.timeout == .seconds(3))
    }

    @Test(arguments: ["", ".0", ".25"]) func `sizes are GiB, also in parts`(fraction: String) throws {
        let memory = try Resolving.configuration("max_local_cpu_size: 3\(fraction)").memory
        #expect(memory.byteCount == (3 << 30) + (fraction == ".25" ? 1 << 28 : 0))
    }

    @Test func `several disks have the same size each`() throws {
        let yaml = "local_disk: file:///a/, /b/\nmax_local_disk_size: 2\nlocal_disk_path_sharding: by_gpu"
        let disks = try Resolving.configuration(yaml).disks
        #expect(disks.map(\.path) == ["/a", "/b"] && disks.allSatisfy { $0.byteCount == 2 << 30 })
    }

    @Test func `a local disk needs a size, and zero is none`() throws {
        let message = Resolving.failure(.conflict, "local_disk: file:///a/")
        #expect(message.hasPrefix("cache.yaml:1: local_disk: ") && message.contains("max_local_disk_size"))
        let resolved = try Resolving.resolve("local_disk: /a\nmax_local_disk_size: 0")
        #expect(resolved.configuration.disks.isEmpty && resolved.notices.count == 1)
    }

    @Test func `the size may come from another place than the directory`() throws {
        let environment = ["LMCACHE_MAX_LOCAL_DISK_SIZE": "3"]
        let disks = try Resolving.configuration("local_disk: /a", environment: environment).disks
        #expect(disks.map(\.byteCount) == [3 << 30])
    }

    @Test func `peers of 0.2 are Reprise's`() throws {
        let yaml = "enable_p2p: true\nlookup_url: store:6379\ndistributed_url: node-7:65432"
        let peers = try Resolving.configuration(yaml).peers
        #expect(try peers?.lookupURL == RemoteURL(parsing: "redis://store:6379"))
        #expect(peers?.advertisedAddress == HostAndPort(host: "node-7", port: 65432))
        let off = try Resolving.configuration("enable_p2p: false\nlookup_url: store:6379")
        #expect(off.peers == nil)
    }

    @Test func `keys without effect are shown with the reason, and no text`() throws {
        let rows = try Resolving.resolve(
            "py_enable_gc: true\ncontroller_url: http://:secret@h\nec_chunk_size: 9"
        ).rows
        let foreign = rows.suffix(3)
        #expect(foreign.map(\.name) == ["controller_url", "ec_chunk_size", "py_enable_gc"])
        #expect(foreign.map(\.value) == ["given", "given", "true"])
        #expect(foreign.allSatisfy { $0.note?.hasPrefix("no effect: ") == true })
    }
}
