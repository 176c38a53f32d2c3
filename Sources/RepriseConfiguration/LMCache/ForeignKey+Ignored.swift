extension ForeignKey {
    /// What has no effect, with the reason; of LMCache 0.2 to 0.5.6, and V0.
    internal static let ignored: [ForeignKey] =
        keys("belongs to blending", of: .number, "blend_recompute_ratio")
        + keys(
            "belongs to blending",
            of: .list,
            "blend_recompute_ratios",
            "blend_thresholds",
            "blend_check_layers"
        )
        + keys("belongs to blending", of: .count, "blend_min_tokens")
        + keys("belongs to blending", of: .text, "blend_special_str", "blend_separator")
        + keys("belongs to blending", of: .truth, "blend_add_special_in_precomp")
        + transfers + controller + server + memory + engine + others

    private static let transfers =
        keys(transfer, of: .truth, "nixl_enable_gc", "pd_skip_proxy_notification", "pd_bidirectional")
        + keys(
            transfer,
            of: .text,
            "nixl_role",
            "nixl_receiver_host",
            "nixl_peer_host",
            "nixl_proxy_host",
            "nixl_buffer_device",
            "pd_role",
            "pd_buffer_device",
            "pd_peer_host",
            "pd_proxy_host",
            "pd_backend_mode",
            "transfer_channel"
        )
        + keys(
            transfer,
            of: .count,
            "nixl_receiver_port",
            "nixl_peer_port",
            "nixl_proxy_port",
            "nixl_buffer_size",
            "pd_buffer_size",
            "pd_proxy_port",
            "pd_max_prefill_len"
        )
        + keys(
            transfer,
            of: .list,
            "nixl_backends",
            "nixl_peer_init_port",
            "nixl_peer_alloc_port",
            "pd_peer_init_port",
            "pd_peer_alloc_port",
            "pd_peer_query_port"
        )
        + keys(
            transfer,
            of: .number,
            "pd_allocation_timeout_sec",
            "pd_shutdown_timeout_sec",
            "pd_condition_poll_interval_sec"
        )
    private static let transfer = "belongs to LMCache's transfer channels"

    private static let controller =
        keys("peers are told by advertise and lookup_url", of: .text, "p2p_host")
        + keys("peers are told by advertise and lookup_url", of: .list, "p2p_init_ports", "p2p_lookup_ports")
        + keys(
            "belongs to LMCache's controller",
            of: .text,
            "controller_url",
            "controller_pull_url",
            "controller_reply_url"
        )
        + keys(
            "belongs to LMCache's controller",
            of: .list,
            "lmcache_worker_port",
            "lmcache_worker_ports",
            "lmcache_worker_ids"
        )
        + keys(
            "belongs to LMCache's controller",
            of: .count,
            "lmcache_worker_heartbeat_delay_time",
            "lmcache_worker_heartbeat_time"
        )

    private static let server =
        keys(
            "belongs to LMCache's own servers",
            of: .text,
            "mp_host",
            "internal_api_server_host",
            "internal_api_server_socket_path_prefix",
            "app_id"
        )
        + keys("belongs to LMCache's own servers", of: .count, "mp_port", "internal_api_server_port_start")
        + keys(
            "belongs to LMCache's own servers",
            of: .list,
            "internal_api_server_include_index_list",
            "script_allowed_imports"
        )
        + keys(
            "belongs to LMCache's own servers",
            of: .truth,
            "internal_api_server_enabled",
            "run_script_api_enabled"
        )

    private static let memory =
        keys("huge pages are used where the system allows it", of: .truth, "local_cpu_use_hugepages")
        + keys("all of the memory is for values", of: .number, "reserve_local_cpu_size")
        + keys("memory is populated in the background", of: .truth, "enable_lazy_memory_allocator")
        + keys(
            "memory is populated in the background",
            of: .number,
            "lazy_memory_initial_ratio",
            "lazy_memory_expand_trigger_ratio",
            "lazy_memory_step_ratio",
            "lazy_memory_safe_size"
        )
        + keys("a node spreads values over all of its disks", of: .text, "local_disk_path_sharding")
        + keys("belongs to GPUDirect Storage", of: .text, "gds_path_sharding", "gds_backend")
        + keys("belongs to GPUDirect Storage", of: .count, "gds_buffer_size", "cufile_buffer_size")
        + keys("belongs to GPUDirect Storage", of: .truth, "use_gds")
        + keys("belongs to Maru", of: .number, "maru_pool_size")

    private static let engine =
        keys(
            engineOwn,
            of: .truth,
            "py_enable_gc",
            "enable_scheduler_bypass_lookup",
            "enable_kv_events",
            "use_gpu_connector_v3",
            "enable_hidden_state_cache"
        )
        + keys(engineOwn, of: .text, "store_location", "numa_mode", "hidden_states_retrieve_mode")
        + keys(engineOwn, of: .count, "priority_limit", "lookup_timeout_ms", "pin_check_interval_sec")
        + keys(engineOwn, of: .number, "hit_miss_ratio", "max_hidden_state_cpu_size")
        + keys(
            engineOwn,
            of: .list,
            "retrieve_locations",
            "lookup_server_worker_ids",
            "hidden_state_layers",
            "runtime_plugin_locations",
            "plugin_locations"
        )
        + keys(engineOwn, of: .mapping, "ec")
    private static let engineOwn = "the inference engine's own concern"

    private static let others =
        keys("always so: a store that fails is a miss", of: .truth, "error_handling")
        + keys("always so", of: .truth, "enable_async_loading", "pipelined_backend")
        + keys(
            "statistics are always kept: reprise stat",
            of: .truth,
            "enable_chunk_statistics",
            "chunk_statistics_auto_start_statistics"
        )
        + keys("statistics are always kept: reprise stat", of: .text, "chunk_statistics_strategy")
        + keys(
            "statistics are always kept: reprise stat",
            of: .number,
            "chunk_statistics_auto_exit_timeout_hours",
            "chunk_statistics_auto_exit_target_unique_chunks"
        )
        + keys("belongs to LMCache's own connectors", of: .mapping, "extra_config")

    private static func keys(_ why: String, of kind: Kind, _ names: String...) -> [ForeignKey] {
        names.map { ForeignKey(name: $0, kind: kind, verdict: .ignored(why)) }
    }
}
