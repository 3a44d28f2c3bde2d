"""INFO persistence: this server writes nothing to disk, and the fields say so.

``rdb_last_save_time`` is the time of the start, as in a Redis server that has not saved yet.
"""

from __future__ import annotations

from pyredmem.info.report import Report


def persistence(report: Report) -> None:
    _progress(report)
    _snapshots(report)
    _log(report)


def _progress(report: Report) -> None:
    report.number("loading", 0)
    report.number("async_loading", 0)
    report.number("current_cow_peak", 0)
    report.number("current_cow_size", 0)
    report.number("current_cow_size_age", 0)
    report.decimal("current_fork_perc", 0.0)
    report.number("current_save_keys_processed", 0)
    report.number("current_save_keys_total", 0)


def _snapshots(report: Report) -> None:
    engine = report.engine
    report.number("rdb_changes_since_last_save", engine.keyspace.changes.since_save())
    report.number("rdb_bgsave_in_progress", 0)
    report.number("rdb_last_save_time", engine.core.started_us // 1_000_000)
    report.text("rdb_last_bgsave_status", "ok")
    report.number("rdb_last_bgsave_time_sec", -1)
    report.number("rdb_current_bgsave_time_sec", -1)
    report.number("rdb_saves", 0)
    report.number("rdb_last_cow_size", 0)
    report.number("rdb_last_load_keys_expired", 0)
    report.number("rdb_last_load_keys_loaded", 0)


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
