"""The names of metrics: those that redis_exporter gives to the fields of INFO, so that its dashboards and alerts work.

The names and types were observed on redis_exporter 1.45 in front of a real redis-server. What it says about itself
(``redis_exporter_*``) is left out.
"""

from __future__ import annotations

from typing import Final, NamedTuple

GAUGE: Final = "gauge"
COUNTER: Final = "counter"

#: What a field is multiplied by.
ONE: Final = 1.0
FROM_MILLISECONDS: Final = 1e-3
FROM_MICROSECONDS: Final = 1e-6


class Name(NamedTuple):
    """The metric of one field of INFO."""

    field: str
    metric: str
    kind: str
    scale: float = ONE


def _gauges(**metrics: str) -> tuple[Name, ...]:
    return tuple(Name(field, metric, GAUGE) for field, metric in metrics.items())


def _counters(**metrics: str) -> tuple[Name, ...]:
    return tuple(Name(field, metric, COUNTER) for field, metric in metrics.items())


def _same(kind: str, fields: str) -> tuple[Name, ...]:
    """Fields whose metrics have their names."""
    return tuple(Name(field, f"redis_{field}", kind) for field in fields.split())


#: In the order of INFO. A field that a server does not have makes no metric.
NAMES: Final = (
    # Server
    *_gauges(uptime_in_seconds="redis_uptime_in_seconds", process_id="redis_process_id"),
    *_same(GAUGE, "io_threads_active"),
    # Clients
    *_same(GAUGE, "connected_clients cluster_connections blocked_clients tracking_clients clients_in_timeout_table"),
    *_gauges(
        client_recent_max_input_buffer="redis_client_recent_max_input_buffer_bytes",
        client_recent_max_output_buffer="redis_client_recent_max_output_buffer_bytes",
    ),
    # Memory
    *_gauges(
        used_memory="redis_memory_used_bytes",
        used_memory_rss="redis_memory_used_rss_bytes",
        used_memory_peak="redis_memory_used_peak_bytes",
        used_memory_lua="redis_memory_used_lua_bytes",
        used_memory_overhead="redis_memory_used_overhead_bytes",
        used_memory_startup="redis_memory_used_startup_bytes",
        used_memory_dataset="redis_memory_used_dataset_bytes",
        used_memory_scripts="redis_memory_used_scripts_bytes",
        maxmemory="redis_memory_max_bytes",
        allocator_active="redis_allocator_active_bytes",
        allocator_allocated="redis_allocator_allocated_bytes",
        allocator_resident="redis_allocator_resident_bytes",
        mem_not_counted_for_evict="redis_mem_not_counted_for_eviction_bytes",
    ),
    *_same(GAUGE, "number_of_cached_scripts allocator_frag_ratio allocator_frag_bytes"),
    *_same(GAUGE, "allocator_rss_ratio allocator_rss_bytes mem_fragmentation_ratio mem_fragmentation_bytes"),
    *_same(GAUGE, "mem_clients_slaves mem_clients_normal active_defrag_running lazyfree_pending_objects"),
    # Persistence
    *_gauges(
        loading="redis_loading_dump_file",
        rdb_last_save_time="redis_rdb_last_save_timestamp_seconds",
        rdb_last_bgsave_time_sec="redis_rdb_last_bgsave_duration_sec",
        rdb_current_bgsave_time_sec="redis_rdb_current_bgsave_duration_sec",
        rdb_last_cow_size="redis_rdb_last_cow_size_bytes",
        aof_last_rewrite_time_sec="redis_aof_last_rewrite_duration_sec",
        aof_current_rewrite_time_sec="redis_aof_current_rewrite_duration_sec",
        aof_last_cow_size="redis_aof_last_cow_size_bytes",
        aof_current_size="redis_aof_current_size_bytes",
        aof_base_size="redis_aof_base_size_bytes",
    ),
    *_same(GAUGE, "rdb_changes_since_last_save rdb_bgsave_in_progress rdb_last_bgsave_status"),
    *_same(GAUGE, "aof_enabled aof_rewrite_in_progress aof_rewrite_scheduled aof_last_bgrewrite_status"),
    *_same(GAUGE, "aof_last_write_status aof_pending_rewrite aof_buffer_length"),
    *_same(GAUGE, "aof_pending_bio_fsync aof_delayed_fsync module_fork_in_progress module_fork_last_cow_size"),
    # Stats
    *_counters(
        total_connections_received="redis_connections_received_total",
        total_commands_processed="redis_commands_processed_total",
        total_net_input_bytes="redis_net_input_bytes_total",
        total_net_output_bytes="redis_net_output_bytes_total",
        rejected_connections="redis_rejected_connections_total",
        expired_keys="redis_expired_keys_total",
        evicted_keys="redis_evicted_keys_total",
        keyspace_hits="redis_keyspace_hits_total",
        keyspace_misses="redis_keyspace_misses_total",
    ),
    *_gauges(
        expired_stale_perc="redis_expired_stale_percentage",
        expired_time_cap_reached_count="redis_expired_time_cap_reached_total",
        sync_full="redis_replica_resyncs_full",
        sync_partial_ok="redis_replica_partial_resync_accepted",
        sync_partial_err="redis_replica_partial_resync_denied",
        migrate_cached_sockets="redis_migrate_cached_sockets_total",
        active_defrag_hits="redis_defrag_hits",
        active_defrag_misses="redis_defrag_misses",
        active_defrag_key_hits="redis_defrag_key_hits",
        active_defrag_key_misses="redis_defrag_key_misses",
    ),
    Name("latest_fork_usec", "redis_latest_fork_seconds", GAUGE, FROM_MICROSECONDS),
    *_same(GAUGE, "pubsub_channels pubsub_patterns slave_expires_tracked_keys"),
    *_same(GAUGE, "tracking_total_keys tracking_total_items tracking_total_prefixes"),
    *_same(COUNTER, "unexpected_error_replies total_error_replies dump_payload_sanitizations"),
    *_same(COUNTER, "total_reads_processed total_writes_processed"),
    *_same(COUNTER, "io_threaded_reads_processed io_threaded_writes_processed"),
    # Replication
    *_gauges(
        repl_backlog_active="redis_repl_backlog_is_active",
        repl_backlog_size="redis_replication_backlog_bytes",
        repl_backlog_histlen="redis_repl_backlog_history_bytes",
    ),
    *_same(GAUGE, "connected_slaves master_repl_offset second_repl_offset repl_backlog_first_byte_offset"),
    # CPU
    *_counters(
        used_cpu_sys="redis_cpu_sys_seconds_total",
        used_cpu_user="redis_cpu_user_seconds_total",
        used_cpu_sys_children="redis_cpu_sys_children_seconds_total",
        used_cpu_user_children="redis_cpu_user_children_seconds_total",
        used_cpu_sys_main_thread="redis_cpu_sys_main_thread_seconds_total",
        used_cpu_user_main_thread="redis_cpu_user_main_thread_seconds_total",
    ),
    # Cluster
    *_same(GAUGE, "cluster_enabled"),
)

#: Fields that Redis does not have, and those that redis_exporter leaves out.
OWN_NAMES: Final = (
    Name("rss_overhead_ratio", "pyredmem_rss_overhead_ratio", GAUGE),
    Name("rss_overhead_bytes", "pyredmem_rss_overhead_bytes", GAUGE),
    Name("lazyfreed_objects", "pyredmem_lazyfreed_objects_total", COUNTER),
    Name("evicted_clients", "pyredmem_evicted_clients_total", COUNTER),
    Name(
        "client_output_buffer_limit_disconnections",
        "pyredmem_client_output_buffer_limit_disconnections_total",
        COUNTER,
    ),
    Name("total_eviction_exceeded_time", "pyredmem_over_maxmemory_seconds_total", COUNTER, FROM_MILLISECONDS),
    Name("current_eviction_exceeded_time", "pyredmem_over_maxmemory_seconds", GAUGE, FROM_MILLISECONDS),
    Name("expire_cycle_cpu_milliseconds", "pyredmem_expire_cycle_seconds_total", COUNTER, FROM_MILLISECONDS),
    Name("total_active_defrag_time", "pyredmem_defrag_seconds_total", COUNTER, FROM_MILLISECONDS),
    Name("current_active_defrag_time", "pyredmem_defrag_seconds", GAUGE, FROM_MILLISECONDS),
    Name("eventloop_cycles", "pyredmem_event_loop_cycles_total", COUNTER),
    Name("eventloop_duration_sum", "pyredmem_event_loop_seconds_total", COUNTER, FROM_MICROSECONDS),
    Name("eventloop_duration_cmd_sum", "pyredmem_event_loop_command_seconds_total", COUNTER, FROM_MICROSECONDS),
    Name("process_arena_bytes", "pyredmem_interpreter_arena_bytes", GAUGE),
    Name("process_live_bytes", "pyredmem_interpreter_live_bytes", GAUGE),
    Name("process_releasable_bytes", "pyredmem_interpreter_releasable_bytes", GAUGE),
    Name("compaction_returned_bytes", "pyredmem_interpreter_returned_bytes", GAUGE),
)

#: The fields that are labels of ``redis_instance_info``.
INSTANCE_LABELS: Final = (
    *("maxmemory_policy", "os", "process_id", "redis_build_id", "redis_mode", "redis_version"),
    *("role", "run_id", "tcp_port"),
)

#: What the exporter tells of some settings.
SETTINGS: Final = {
    "maxclients": "redis_config_maxclients",
    "maxmemory": "redis_config_maxmemory",
    "io-threads": "redis_config_io_threads",
}

#: Of the exporter's own requests and options. Nothing can go wrong with them here, and none is used.
CONSTANTS: Final = (
    ("redis_up", GAUGE, 1.0, "Whether the server was asked with success"),
    ("redis_target_scrape_request_errors_total", COUNTER, 0.0, "Requests for metrics that were wrong"),
    ("redis_last_key_groups_scrape_duration_milliseconds", GAUGE, 0.0, "Time spent on groups of keys"),
)
