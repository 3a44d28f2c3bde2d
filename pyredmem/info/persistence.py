"""INFO persistence: the dataset on disk."""

from __future__ import annotations

from pyredmem.engine.host import Progress
from pyredmem.info.report import Report
from pyredmem.persistence.append_only_file import OFF
from pyredmem.persistence.loading import Load
from pyredmem.persistence.persistence import persistence_of


def persistence(report: Report) -> None:
    _progress(report)
    _snapshots(report)
    _append_only_file(report)
    load = persistence_of(report.engine).running
    if load is not None:
        _loading(report, load)


def _progress(report: Report) -> None:
    part = persistence_of(report.engine)
    running = part.background.running
    report.number("loading", 0 if part.running is None else 1)
    report.number("async_loading", 0)
    progress = Progress() if running is None else running.progress()
    total = 0 if running is None else running.keys_total
    report.number("current_cow_peak", progress.peak_bytes)
    report.number("current_cow_size", progress.private_bytes)
    report.number("current_cow_size_age", progress.age_s)
    report.decimal("current_fork_perc", 100.0 * progress.done / int(total) if total > 0 else 0.0)
    report.number("current_save_keys_processed", progress.done)
    report.number("current_save_keys_total", total)


def _snapshots(report: Report) -> None:
    part = persistence_of(report.engine)
    snapshots = part.snapshots
    report.number("rdb_changes_since_last_save", report.engine.keyspace.changes.since_save())
    report.number("rdb_bgsave_in_progress", 1 if snapshots.is_running() else 0)
    report.number("rdb_last_save_time", snapshots.last_s)
    report.text("rdb_last_bgsave_status", "err" if snapshots.has_failed else "ok")
    report.number("rdb_last_bgsave_time_sec", snapshots.last_duration_s)
    report.number("rdb_current_bgsave_time_sec", part.background.age_s(snapshots))
    report.number("rdb_saves", snapshots.saves)
    report.number("rdb_last_cow_size", snapshots.last_copied_bytes)
    report.number("rdb_last_load_keys_expired", part.keys_expired)
    report.number("rdb_last_load_keys_loaded", part.keys_loaded)


def _append_only_file(report: Report) -> None:
    part = persistence_of(report.engine)
    rewrites = part.rewrites
    append_only = part.append_only
    log = append_only.log
    report.number("aof_enabled", 0 if append_only.state == OFF else 1)
    report.number("aof_rewrite_in_progress", 1 if rewrites.is_running() else 0)
    report.number("aof_rewrite_scheduled", 1 if rewrites.is_scheduled else 0)
    report.number("aof_last_rewrite_time_sec", rewrites.last_duration_s)
    report.number("aof_current_rewrite_time_sec", part.background.age_s(rewrites))
    report.text("aof_last_bgrewrite_status", "err" if rewrites.has_failed else "ok")
    report.number("aof_rewrites", rewrites.rewrites)
    report.number("aof_rewrites_consecutive_failures", rewrites.failures)
    report.text("aof_last_write_status", "err" if log.has_failed() else "ok")
    report.number("aof_last_cow_size", rewrites.last_copied_bytes)
    report.number("module_fork_in_progress", 0)
    report.number("module_fork_last_cow_size", 0)
    report.number("slot_migration_fork_in_progress", 0)
    if append_only.state != OFF:
        report.number("aof_current_size", append_only.size())
        report.number("aof_base_size", append_only.base_bytes)
        report.number("aof_pending_rewrite", 0)
        report.number("aof_buffer_length", log.buffer.size())
        report.number("aof_pending_bio_fsync", 1 if log.is_syncing() else 0)
        report.number("aof_delayed_fsync", log.postponed)


def _loading(report: Report, load: Load) -> None:
    """How far the loading of a file is (Redis 7.2 server.c)."""
    elapsed_us = report.engine.clock.now_us() - load.began_us
    loaded = load.loaded_bytes()
    left_s = 1 if loaded == 0 else elapsed_us * (load.size - loaded) // loaded // 1_000_000
    report.number("loading_start_time", load.began_us // 1_000_000)
    report.number("loading_total_bytes", load.size)
    report.number("loading_rdb_used_mem", load.used_memory_of_writer())
    report.number("loading_loaded_bytes", loaded)
    report.decimal("loading_loaded_perc", 100.0 * int(loaded) / int(load.size) if load.size > 0 else 0.0)
    report.number("loading_eta_seconds", left_s)
