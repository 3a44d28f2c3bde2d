"""INFO keyspace, and the sections for what this server does not have: modules and the cluster."""

from __future__ import annotations

from pyredmem.info.report import Report


def keyspace(report: Report) -> None:
    """Write a line for every database that has keys."""
    for database in report.engine.keyspace.databases:
        if database.size() > 0:
            report.text(
                f"db{database.index}",
                f"keys={database.size()},expires={database.expiring()},avg_ttl={database.average_ttl},"
                f"subexpiry={database.hashes_with_times()}",
            )


def modules(report: Report) -> None:
    """Write nothing below the title: there are no modules."""


def cluster(report: Report) -> None:
    report.number("cluster_enabled", 0)
