"""INFO keyspace and keysizes, and the sections for what this server does not have: modules and the cluster."""

from __future__ import annotations

from typing import Final

from pyredmem.info.report import Report
from pyredmem.keyspace.database import Database

#: The histograms of INFO keysizes, by the kind of values (see `pyredmem.keyspace.key_sizes`).
_HISTOGRAMS: Final = ("strings_sizes", "lists_items", "sets_items", "zsets_items", "hashes_items")
_UNITS: Final = "KMGTPE"


def keyspace(report: Report) -> None:
    """Write a line for every database that has keys."""
    for database in report.engine.keyspace.databases:
        if database.size() > 0:
            report.text(f"db{database.index}", ",".join(_figures(report, database)))


def _figures(report: Report, database: Database) -> list[str]:
    found = [f"keys={database.size()}", f"expires={database.expiring()}", f"avg_ttl={database.average_ttl}"]
    if report.has("subexpiry"):
        found.append(f"subexpiry={database.hashes_with_times()}")
    if report.has("keys_with_volatile_items"):
        found.append(f"keys_with_volatile_items={database.hashes_with_times()}")
    return found


def keysizes(report: Report) -> None:
    """Write how many keys of each type have which size; sizes are rounded down to a power of two."""
    for database in report.engine.keyspace.databases:
        sizes = database.key_sizes()
        if sizes is None or database.size() == 0:
            continue
        for kind, histogram in enumerate(_HISTOGRAMS):
            counts = sizes.by_size(kind)
            if counts:
                bins = ",".join([f"{_rounded(size)}={count}" for size, count in counts.items()])
                report.text(f"db{database.index}_distrib_{histogram}", bins)


def _rounded(size: int) -> str:
    """A power of two with a unit: ``8K``."""
    unit = (size.bit_length() - 1) // 10 if size > 0 else 0
    return f"{size >> 10 * unit}{_UNITS[unit - 1]}" if unit > 0 else str(size)


def modules(report: Report) -> None:
    """Write what MODULE LIST shows: nothing, or in Valkey what runs scripts."""
    if report.engine.profile.has_lua_module:
        options = "handle-repl-async-load|handle-atomic-slot-migration"
        report.text("module", f"name=lua,ver=1,api=1,filters=0,usedby=[],using=[],options=[{options}]")


def cluster_info(report: Report) -> None:
    """Write nothing below the title: it is about a cluster, too."""


def cluster(report: Report) -> None:
    report.number("cluster_enabled", 0)
