"""INFO stats: what the server has done since its start, and how fast it was lately."""

from __future__ import annotations

from pyredmem.engine import figures
from pyredmem.engine.sampler import Rate
from pyredmem.info.report import Report


def stats(report: Report) -> None:
    _traffic(report)
    _replication(report)
    _expiry_and_eviction(report)
    _lookups(report)
    _defragmentation(report)
    _tracking_and_errors(report)
    _event_loop(report)
    _access(report)


def threads(report: Report) -> None:
    """Write the section Threads: one thread serves all clients."""
    counters = report.engine.stats
    report.text(
        "io_thread_0",
        f"clients={len(report.engine.sessions)},reads={counters.reads_processed},writes={counters.writes_processed}",
    )


def _traffic(report: Report) -> None:
    counters = report.engine.stats
    sampler = report.engine.sampler
    report.number("total_connections_received", counters.connections_received)
    report.number("total_commands_processed", sampler.commands_processed())
    report.number("instantaneous_ops_per_sec", sampler.operations.mean())
    report.number("total_net_input_bytes", counters.net_input_bytes)
    report.number("total_net_output_bytes", counters.net_output_bytes)
    report.number("total_net_repl_input_bytes", 0)
    report.number("total_net_repl_output_bytes", 0)
    report.number("total_net_cluster_slot_import_bytes", 0)
    report.number("total_net_cluster_slot_export_bytes", 0)
    _kilobytes(report, "instantaneous_input_kbps", sampler.input_bytes)
    _kilobytes(report, "instantaneous_output_kbps", sampler.output_bytes)
    report.decimal("instantaneous_input_repl_kbps", 0.0)
    report.decimal("instantaneous_output_repl_kbps", 0.0)
    report.number("rejected_connections", counters.connections_rejected)


def _kilobytes(report: Report, name: str, rate: Rate) -> None:
    report.decimal(name, rate.mean() / 1024)


def _replication(report: Report) -> None:
    report.number("sync_full", 0)
    report.number("sync_partial_ok", 0)
    report.number("sync_partial_err", 0)


def _expiry_and_eviction(report: Report) -> None:
    value = report.engine.figures.value
    report.number("expired_subkeys", report.engine.keyspace.expired_fields)
    report.number("expired_keys", report.engine.keyspace.expired)
    report.number("expired_fields", report.engine.keyspace.expired_fields)
    report.decimal("expired_stale_perc", value(figures.EXPIRED_STALE_PERCENT_X100) / 100)
    report.decimal("expired_keys_with_volatile_items_stale_perc", 0.0)  # all hashes with times are known, by time
    report.figure(figures.EXPIRED_TIME_CAP_REACHED)
    report.number("expire_cycle_cpu_milliseconds", value(figures.EXPIRE_CYCLE_US) // 1000)
    report.figure(figures.EVICTED_KEYS)
    report.figure(figures.EVICTED_CLIENTS)
    report.figure(figures.EVICTED_SCRIPTS)
    report.figure(figures.EVICTION_EXCEEDED_TOTAL_MS)
    report.figure(figures.EVICTION_EXCEEDED_MS)


def _lookups(report: Report) -> None:
    keyspace = report.engine.keyspace
    report.number("keyspace_hits", keyspace.hits)
    report.number("keyspace_misses", keyspace.misses)
    report.figure(figures.CHANNELS)
    report.figure(figures.PATTERNS)
    report.figure(figures.SHARD_CHANNELS)
    report.number("latest_fork_usec", report.engine.stats.latest_fork_us)
    report.number("total_forks", report.engine.stats.forks)
    report.number("migrate_cached_sockets", len(report.engine.links))
    report.number("slave_expires_tracked_keys", 0)


def _defragmentation(report: Report) -> None:
    report.figure(figures.DEFRAG_HITS)
    report.figure(figures.DEFRAG_MISSES)
    report.figure(figures.DEFRAG_KEY_HITS)
    report.figure(figures.DEFRAG_KEY_MISSES)
    report.figure(figures.DEFRAG_TOTAL_MS)
    report.figure(figures.DEFRAG_MS)


def _tracking_and_errors(report: Report) -> None:
    counters = report.engine.stats
    report.figure(figures.TRACKED_KEYS)
    report.figure(figures.TRACKED_ITEMS)
    report.figure(figures.TRACKED_PREFIXES)
    report.number("unexpected_error_replies", 0)
    report.number("total_error_replies", counters.error_replies)
    report.number("dump_payload_sanitizations", 0)
    report.number("total_reads_processed", counters.reads_processed)
    report.number("total_writes_processed", counters.writes_processed)
    report.number("io_threaded_reads_processed", 0)
    report.number("io_threaded_writes_processed", 0)
    report.number("io_threaded_freed_objects", 0)
    report.number("io_threaded_accept_processed", 0)
    report.number("io_threaded_poll_processed", 0)
    report.number("io_threaded_total_prefetch_batches", 0)
    report.number("io_threaded_total_prefetch_entries", 0)
    report.number("client_query_buffer_limit_disconnections", counters.query_limit_disconnections)
    report.number("client_output_buffer_limit_disconnections", counters.output_limit_disconnections)
    report.figure(figures.REPLY_BUFFER_SHRINKS)
    report.figure(figures.REPLY_BUFFER_EXPANDS)


def _event_loop(report: Report) -> None:
    """A cycle is a batch of requests, a tick, or a slice of the work between commands."""
    sampler = report.engine.sampler
    report.number("eventloop_cycles", report.engine.stats.cycles())
    report.number("eventloop_duration_sum", sampler.busy_us())
    report.number("eventloop_duration_cmd_sum", sampler.commands_us())
    report.number("instantaneous_eventloop_cycles_per_sec", sampler.cycles.mean())
    report.number("instantaneous_eventloop_duration_usec", sampler.cycle_us.mean())


def debug(report: Report) -> None:
    """Write the section Debug: more about the event loop."""
    counters = report.engine.stats
    report.number("eventloop_duration_aof_sum", 0)
    report.number("eventloop_duration_cron_sum", counters.timer_us)
    report.number("eventloop_duration_max", counters.longest_cycle_us)
    report.number("eventloop_cmd_per_cycle_max", counters.most_commands)
    report.number("io_threaded_reads_pending", 0)
    report.number("io_threaded_writes_pending", 0)


def _access(report: Report) -> None:
    report.figure(figures.DENIED_AUTH)
    report.figure(figures.DENIED_COMMANDS)
    report.figure(figures.DENIED_KEYS)
    report.figure(figures.DENIED_CHANNELS)
    report.number("acl_access_denied_tls_cert", 0)
    report.number("acl_access_denied_db", 0)
