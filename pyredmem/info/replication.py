"""INFO replication: this server is always a master without replicas."""

from __future__ import annotations

from pyredmem.engine.identity import NO_ID
from pyredmem.info.report import Report


def replication(report: Report) -> None:
    settings = report.engine.settings
    report.text("role", "master")
    report.number("connected_slaves", 0)
    if settings.integer("min-replicas-to-write") > 0 and settings.integer("min-replicas-max-lag") > 0:
        report.number("min_slaves_good_slaves", 0)
    report.number("replicas_waiting_psync", 0)
    report.text("master_failover_state", "no-failover")
    report.text("master_replid", report.engine.identity.replication_id.decode())
    report.text("master_replid2", NO_ID.decode())
    report.number("master_repl_offset", 0)
    report.number("second_repl_offset", -1)
    report.number("repl_backlog_active", 0)
    report.number("repl_backlog_size", settings.integer("repl-backlog-size"))
    report.number("repl_backlog_first_byte_offset", 0)
    report.number("repl_backlog_histlen", 0)
