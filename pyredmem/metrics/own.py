"""Metrics of the engine in this process that no Redis has: what the ledger and its heap know."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from pyredmem.engine.engine import Engine
from pyredmem.engine.memory_overhead import MemoryOverhead, measure_overhead
from pyredmem.memory.statistics import allocated_bytes, bin_statistics
from pyredmem.metrics.families import family, of_fields, single
from pyredmem.metrics.names import COUNTER, GAUGE, OWN_NAMES
from pyredmem.metrics.reading import Reading


def own_families(engine: Engine, reading: Reading, lag_s: float, longest_lag_s: float) -> Iterator[Metric]:
    """What only this server can tell. The lag is that of the event loop."""
    yield _purposes(measure_overhead(engine))
    yield from _size_classes(engine)
    yield from _requests(engine)
    yield from of_fields(reading, OWN_NAMES)
    yield single("pyredmem_event_loop_lag_seconds", GAUGE, "How late the last tick of the timer was", lag_s)
    about = "How late the latest tick of the timer was, since the start"
    yield single("pyredmem_event_loop_longest_lag_seconds", GAUGE, about, longest_lag_s)


def _purposes(overhead: MemoryOverhead) -> Metric:
    """What the bytes of used_memory are for."""
    made = family("pyredmem_ledger_bytes", GAUGE, "Bytes of used_memory by purpose")
    parts = {
        "startup": overhead.startup,
        "clients": overhead.clients,
        "replicas": overhead.replicas,
        "aof_buffer": overhead.aof_buffer,
        "scripts": overhead.lua_caches + overhead.functions_caches,
        "hash_tables": sum([database.main_table + database.expire_table for database in overhead.databases]),
        "dataset": overhead.dataset(),
    }
    for purpose, size in parts.items():
        made.add_sample(made.name, {"purpose": purpose}, size)
    return made


def _size_classes(engine: Engine) -> Iterator[Metric]:
    """How many blocks of each small size there are, and what the slabs take in which they lie."""
    blocks = family("pyredmem_size_class_blocks", GAUGE, "Live blocks of each small size class (bytes)")
    slabs = family("pyredmem_size_class_slab_bytes", GAUGE, "Bytes of the slabs of each small size class (bytes)")
    for one in bin_statistics(engine.allocator):
        if one.slabs > 0:
            label = {"size": str(one.size)}
            blocks.add_sample(blocks.name, label, one.regions)
            slabs.add_sample(slabs.name, label, one.active())
    yield from (blocks, slabs)


def _requests(engine: Engine) -> Iterator[Metric]:
    """What the rounding of sizes to size classes costs, which is internal fragmentation."""
    about = "Bytes of all blocks that were allocated since the start"
    yield single("pyredmem_allocated_bytes_total", COUNTER, about, allocated_bytes(engine.allocator))
    about = "Bytes that were asked for when these blocks were allocated"
    yield single("pyredmem_requested_bytes_total", COUNTER, about, int(engine.allocator.requested_bytes))
