"""What a server says to the page: messages in the form that the page reads, built from plain Python values."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, TypeAlias

from pyredmem.memory.size_classes import BIN_SHAPES

Message: TypeAlias = dict[str, Any]
#: By page: a slab as (its class from 1, its used regions), or an extent as (EXTENT, its pages).
Heap: TypeAlias = Mapping[int, tuple[int, int]]

SHAPES = BIN_SHAPES["jemalloc"]
CLASSES = [{"size": shape.usable, "regions": shape.regions, "pages": shape.pages} for shape in SHAPES]
EXTENT = len(CLASSES) + 1
KIND_OF = {shape.usable: kind for kind, shape in enumerate(SHAPES, 1)}
#: Three slabs, of which one has many free regions, and an extent.
SMALL_HEAP: Heap = {100: (KIND_OF[64], 64), 101: (KIND_OF[64], 3), 102: (KIND_OF[8], 512), 200: (EXTENT, 16)}


def leb128(number: int) -> bytes:
    """An unsigned number, seven bits to a byte, the lowest first."""
    parts = bytearray()
    while number >= 128:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def changes(before: Heap, after: Heap) -> str:
    """The differences of two heaps, as a frame tells them."""
    told = bytearray()
    last = 0
    for page in sorted({*before, *after}):
        if before.get(page) == after.get(page):
            continue
        kind, amount = after.get(page, (0, 0))
        told += leb128(page - last) + leb128(kind)
        if kind:
            told += leb128(amount)
        last = page
    return base64.b64encode(told).decode()


def hello(**other: object) -> Message:
    """The first message of a server with a heap map."""
    return {
        "kind": "hello",
        "server": {"name": "127.0.0.1:6379", "version": "7.2.4", "is_pyredmem": True, "mode": "standalone"},
        "classes": CLASSES,
        "missing": [],
        "explain": EXPLAIN,
        "can_demonstrate": True,
        **other,
    }


def frame(at: float, values: Mapping[str, float] | None = None, **other: object) -> Message:
    """A frame without a heap map, unless it is given one."""
    return {
        "kind": "frame",
        "at": at,
        "values": {**VALUES, **(values or {})},
        "commands": [{"name": "get", "calls": 100, "us": 250.0, "p50": 1.003, "p99": 2.007, "p999": 3.007}],
        "defrag": {"running": 0, "hits": 0, "misses": 0, "key_hits": 0, "key_misses": 0},
        "heap": None,
        "arenas": None,
        "demonstration": None,
        **other,
    }


def heap_frame(at: float, before: Heap, after: Heap, *, reset: bool = False, **other: object) -> Message:
    """A frame that turns one heap into another one."""
    told = {"reset": reset, "changes": changes({} if reset else before, after), "left": 0}
    return frame(at, heap=told, **other)  # type: ignore[arg-type]  # `values` may be among the others


VALUES: dict[str, float] = {
    "redis_memory_used_bytes": 1048576.0,
    "redis_memory_used_rss_bytes": 9437184.0,
    "redis_memory_used_peak_bytes": 2097152.0,
    "redis_memory_max_bytes": 0.0,
    "redis_allocator_active_bytes": 1310720.0,
    "redis_allocator_resident_bytes": 1572864.0,
    "redis_allocator_frag_ratio": 1.25,
    "redis_allocator_frag_bytes": 262144.0,
    "redis_mem_fragmentation_ratio": 9.0,
    "redis_commands_processed_total": 1000.0,
    "redis_keyspace_hits_total": 80.0,
    "redis_keyspace_misses_total": 20.0,
    "redis_evicted_keys_total": 0.0,
    "redis_expired_keys_total": 0.0,
    "redis_lazyfree_pending_objects": 0.0,
    "redis_connected_clients": 3.0,
    "redis_blocked_clients": 0.0,
}


def _explained(title: str, unit: str, what: str, formula: str, where: str) -> dict[str, str]:
    return {"title": title, "unit": unit, "what": what, "formula": formula, "where": where}


#: As a server explains them, in short.
EXPLAIN: dict[str, dict[str, str]] = {
    "heap_map": _explained(
        "Slabs", "ratio", "Each cell is a slab: pages that hold blocks of one size class, side by side.",
        "used regions / regions of the slab", "jemalloc arena.c, arena_slab_alloc",
    ),
    "extents": _explained(
        "Extents", "bytes", "A block that is larger than all size classes of slabs has pages of its own.",
        "pages * 4096", "jemalloc large.c, large_malloc",
    ),
    "arenas": _explained(
        "Arenas", "bytes", "In these the interpreter keeps its objects; an empty one goes back to the system.",
        "bytes of live objects / bytes of the arena", "CPython obmalloc.c",
    ),
    "memory": _explained(
        "Memory", "bytes", "What the data needs, what the allocator holds for it, and what the process occupies.",
        "used <= active <= resident", "Redis 7.2 zmalloc.c, zmalloc_get_allocator_info",
    ),
    "fragmentation": _explained(
        "Fragmentation", "ratio", "Memory of the pages that are in use over memory of the blocks in them.",
        "allocator_active / allocator_allocated", "Redis 7.2 object.c, getMemoryOverheadData",
    ),
    "commands": _explained(
        "Commands", "per_second", "How many commands the server ran.",
        "growth of total_commands_processed / seconds", "Redis 7.2 server.c, call",
    ),
    "hit_ratio": _explained(
        "Hit ratio", "ratio", "The share of reads that found their key.",
        "keyspace_hits / (keyspace_hits + keyspace_misses)", "Redis 7.2 db.c, lookupKey",
    ),
    "reclaim": _explained(
        "Evictions and expiries", "per_second", "Keys that memory had no room for, and keys whose time was over.",
        "growth of evicted_keys, expired_keys / seconds", "Redis 7.2 evict.c, expire.c",
    ),
    "lazyfree": _explained(
        "Lazy-free queue", "count", "Deleted values whose memory is not free yet.",
        "lazyfree_pending_objects", "Redis 7.2 lazyfree.c, lazyfreeGetPendingObjectsCount",
    ),
    "defrag": _explained(
        "Active defragmentation", "per_second", "Blocks that were moved into fuller slabs, and those that were not.",
        "growth of active_defrag_hits, active_defrag_misses / seconds", "Redis 7.2 defrag.c, activeDefragAlloc",
    ),
    "latency": _explained(
        "Latency", "seconds", "The time that calls of the command took since the start.",
        "percentiles of a histogram", "Redis 7.2 server.c, updateCommandLatencyHistogram",
    ),
    "keyspace": _explained(
        "Memory by group", "bytes", "An estimate from a sample of keys; the error covers 95% of samples.",
        "keys * mean of MEMORY USAGE in the sample", "Redis 7.2 object.c, objectComputeSize",
    ),
    "largest": _explained(
        "Largest keys", "bytes", "Those of the sampled keys that use the most memory.",
        "MEMORY USAGE", "Redis 7.2 object.c, memoryCommand",
    ),
    "expiry": _explained(
        "Time to live", "ratio", "When the sampled keys will expire.", "PTTL", "Redis 7.2 expire.c, ttlGenericCommand",
    ),
    "ages": _explained(
        "Idle time", "ratio", "How long ago the sampled keys were used.",
        "OBJECT IDLETIME", "Redis 7.2 evict.c, estimateObjectIdleTime",
    ),
    "eviction": _explained(
        "Next to be evicted", "seconds", "The candidates that the last evictions left in the pool.",
        "OBJECT IDLETIME of the sampled keys", "Redis 7.2 evict.c, evictionPoolPopulate",
    ),
}  # fmt: skip
