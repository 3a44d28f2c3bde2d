"""INFO keyspace and keysizes, and the sections for what this server does not have: modules and the cluster."""

from __future__ import annotations

from typing import Final

from pyredmem.info.report import Report
from pyredmem.keyspace.database import Database
from pyredmem.objects.collection import Collection
from pyredmem.objects.object import RedisObject
from pyredmem.objects.string import StringObject

#: The histograms of INFO keysizes, by the name of the type.
_HISTOGRAMS: Final = {
    b"string": "strings_sizes",
    b"list": "lists_items",
    b"set": "sets_items",
    b"zset": "zsets_items",
    b"hash": "hashes_items",
}
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
    """Write how many keys of each type have which size; sizes are rounded down to a power of two.

    Redis keeps the counts up to date with each write. Here all keys are visited when somebody asks.
    """
    for database in report.engine.keyspace.databases:
        counts: dict[bytes, dict[int, int]] = {}
        for key in database.all_keys():
            value = database.stored_value(key)
            if value is None or value.type_name() not in _HISTOGRAMS:
                continue
            of_type = counts.setdefault(value.type_name(), {})
            length = _length(value)
            size = 1 << (length.bit_length() - 1) if length > 0 else 0
            of_type[size] = of_type.get(size, 0) + 1
        for name, histogram in _HISTOGRAMS.items():
            if name in counts:
                bins = ",".join([f"{_rounded(size)}={count}" for size, count in sorted(counts[name].items())])
                report.text(f"db{database.index}_distrib_{histogram}", bins)


def _length(value: RedisObject) -> int:
    """The bytes of a string, or the elements of a collection."""
    if isinstance(value, StringObject):
        return int(value.length())
    assert isinstance(value, Collection)
    return int(value.length())


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
