"""INFO keyspace, and the sections of what is not there: modules and the cluster."""

from __future__ import annotations

from pyredmem.info.report import Report


def keyspace(report: Report) -> None:
    """Write a line for every database with keys."""
    for database in report.engine.keyspace.databases:
        if database.size() > 0:
            report.text(
                f"db{database.index}",
                f"keys={database.size()},expires={database.expiring()},avg_ttl={database.average_ttl},"
                f"subexpiry={database.due_keys.count}",
            )


def modules(report: Report) -> None:
    """There are none: the title stands alone."""


def cluster(report: Report) -> None:
    """Say that cluster mode is off."""
    report.number("cluster_enabled", 0)
