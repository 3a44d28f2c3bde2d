"""The arithmetic of MEMORY STATS, compared with recordings of Redis 7.2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyredmem.engine.memory_overhead import DatabaseOverhead, MemoryOverhead

GOLDEN = Path(__file__).parents[1] / "golden" / "used_memory.jsonl"
RECORDS = [json.loads(line) for line in GOLDEN.read_text().splitlines()]


def _of(stats: dict[str, int]) -> MemoryOverhead:
    return MemoryOverhead(
        peak=stats["peak.allocated"],
        total=stats["total.allocated"],
        startup=stats["startup.allocated"],
        clients=stats["clients.normal"],
        lua_caches=0,
        functions_caches=stats["functions.caches"],
        databases=[DatabaseOverhead(0, 0, 0, 0)],
        keys=stats["keys.count"],
        overhead=stats["overhead.total"],
    )


@pytest.mark.parametrize("record", RECORDS, ids=[f"{record['profile']}-{record['id']}" for record in RECORDS])
def test_derived_figures_are_those_recorded(record: dict[str, dict[str, object]]) -> None:
    recorded = record["memory_stats_after"]
    stats = {name: value for name, value in recorded.items() if isinstance(value, int | float)}
    overhead = _of({name: int(value) for name, value in stats.items()})
    assert overhead.dataset() == stats["dataset.bytes"]
    assert overhead.bytes_per_key() == stats["keys.bytes-per-key"]
    assert overhead.dataset_percent() == stats["dataset.percentage"]
    assert overhead.peak_percent() == stats["peak.percentage"]


def test_an_empty_server_has_no_bytes_per_key() -> None:
    overhead = MemoryOverhead(100, 100, 200, 0, 0, 0, [], 0, 10)
    assert overhead.bytes_per_key() == 0
    assert overhead.grown() == 0
    assert overhead.dataset_percent() == 9000.0
