"""INFO persistence: the dataset on disk. There is no append-only file, and the fields say so."""

from __future__ import annotations

from pyredmem.engine.host import Progress
from pyredmem.info.report import Report
from pyredmem.persistence.loading import RdbLoad
from pyredmem.persistence.persistence import persistence_of


def persistence(report: Report) -> None:
    _progress(report)
    _snapshots(report)
    _log(report)
    load = persistence_of(report.engine).running
    if load is not None:
        _loading(report, load)


def _progress(report: Report) -> None:
    part = persistence_of(report.engine)
    running = part.snapshots.running
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
    running = snapshots.running
    now_s = report.engine.keyspace.now_us // 1_000_000
    report.number("rdb_changes_since_last_save", report.engine.keyspace.changes.since_save())
    report.number("rdb_bgsave_in_progress", 0 if running is None else 1)
    report.number("rdb_last_save_time", snapshots.last_s)
    report.text("rdb_last_bgsave_status", "err" if snapshots.has_failed else "ok")
    report.number("rdb_last_bgsave_time_sec", snapshots.last_duration_s)
    report.number("rdb_current_bgsave_time_sec", -1 if running is None else now_s - running.began_s)
    report.number("rdb_saves", snapshots.saves)
    report.number("rdb_last_cow_size", snapshots.last_copied_bytes)
    report.number("rdb_last_load_keys_expired", part.keys_expired)
    report.number("rdb_last_load_keys_loaded", part.keys_loaded)


def _log(report: Report) -> None:
    report.number("aof_enabled", 0)
    report.number("aof_rewrite_in_progress", 0)
    report.number("aof_rewrite_scheduled", 0)
    report.number("aof_last_rewrite_time_sec", -1)
    report.number("aof_current_rewrite_time_sec", -1)
    report.text("aof_last_bgrewrite_status", "ok")
    report.number("aof_rewrites", 0)
    report.number("aof_rewrites_consecutive_failures", 0)
    report.text("aof_last_write_status", "ok")
    report.number("aof_last_cow_size", 0)
    report.number("module_fork_in_progress", 0)
    report.number("module_fork_last_cow_size", 0)


def _loading(report: Report, load: RdbLoad) -> None:
    """How far the loading of a file is (Redis 7.2 server.c)."""
    elapsed_us = report.engine.clock.now_us() - load.began_us
    loaded = load.loaded_bytes()
    left_s = 1 if loaded == 0 else elapsed_us * (load.size - loaded) // loaded // 1_000_000
    report.number("loading_start_time", load.began_us // 1_000_000)
    report.number("loading_total_bytes", load.size)
    report.number("loading_rdb_used_mem", load.used_memory_of_writer())
    report.number("loading_loaded_bytes", loaded)
    report.decimal("loading_loaded_perc", 100.0 * loaded / load.size if load.size > 0 else 0.0)
    report.number("loading_eta_seconds", left_s)
