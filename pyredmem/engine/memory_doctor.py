"""The report of MEMORY DOCTOR: which figures of memory are unhealthy, in words.

The first findings have the conditions and titles of Redis 7.2, and stand beside the alerts in ``alerts/alerts.toml``.
The first and last lines of the report are those of Redis too, because programs recognise it by them. The text below
each title is ours. After these come findings that Redis does not have: on how memory is reclaimed, and on the heap of
the process.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from pyredmem.engine import figures
from pyredmem.engine.engine import Engine
from pyredmem.engine.memory_overhead import measure_overhead

_ALMOST_EMPTY_BYTES: Final = 5 << 20
_NOTABLE_BYTES: Final = 10 << 20
#: More objects than this waiting to be freed lazily are too many.
_LONG_BACKLOG: Final = 100_000
#: Memory above maxmemory for longer than this is too long (milliseconds).
_LONG_EXCESS_MS: Final = 1000
#: More bytes of arenas than this for each live byte make the interpreter's heap sparse.
_SPARSE_HEAP: Final = 1.25

_EMPTY: Final = (
    "Hi Sam, this instance is empty or is using very little memory, so its ratios say nothing yet. "
    "Put some data into it and ask me again.\n"
)
_HEALTHY: Final = "Hi Sam, I can't find any memory issue in your instance. Everything I look at is within its bounds.\n"
_INTRODUCTION: Final = "Sam, I detected a few issues in this Redis instance memory implants:\n\n"
_FAREWELL: Final = "I'm here to keep you safe, Sam. Ask again once you have changed something.\n"


def diagnosis(engine: Engine) -> str:
    """The whole report."""
    if engine.allocator.used_memory < _ALMOST_EMPTY_BYTES:
        return _EMPTY
    findings = _of_redis(engine) + _reclaim(engine) + _process_heap(engine)
    if not findings:
        return _HEALTHY
    return _INTRODUCTION + "".join([f" * {finding}\n\n" for finding in findings]) + _FAREWELL


def _of_redis(engine: Engine) -> list[str]:
    """The findings that Redis has too."""
    # Loaded by the first who asks: the reader of the table takes milliseconds to load.
    rules, history = import_module("pyredmem.alerts.rules"), import_module("pyredmem.alerts.history")
    now = history.History(0.0)
    now.add(0.0, _values(engine))
    allocator = engine.allocator.profile.mem_allocator
    return [
        f"{finding.title}: {finding.text.format(allocator=allocator)}"
        for finding in rules.doctor_findings()
        if finding.condition.value(now) is not None
    ]


def _values(engine: Engine) -> dict[str, float]:
    """The figures that the conditions are made of, under the names of metrics."""
    overhead = measure_overhead(engine)
    sample = engine.sampler.allocator_sample
    return {
        "redis_memory_used_peak_bytes": overhead.peak,
        "redis_memory_used_bytes": overhead.total,
        "redis_mem_fragmentation_ratio": sample.total_fragmentation_ratio(),
        "redis_mem_fragmentation_bytes": sample.total_fragmentation_bytes(),
        "redis_allocator_frag_ratio": sample.fragmentation_ratio(),
        "redis_allocator_frag_bytes": sample.fragmentation_bytes(),
        "redis_allocator_rss_ratio": sample.allocator_rss_ratio(),
        "redis_allocator_rss_bytes": sample.allocator_rss_bytes(),
        "pyredmem_rss_overhead_ratio": sample.rss_overhead_ratio(),
        "pyredmem_rss_overhead_bytes": sample.rss_overhead_bytes(),
        "redis_connected_slaves": engine.figures.value(figures.REPLICAS),
        "redis_mem_clients_slaves": overhead.replicas,
        "redis_connected_clients": len(engine.sessions),
        "redis_mem_clients_normal": overhead.clients,
        "redis_number_of_cached_scripts": engine.figures.value(figures.CACHED_SCRIPTS),
    }


def _reclaim(engine: Engine) -> list[str]:
    """Findings on eviction, lazy free and defragmentation."""
    value = engine.figures.value
    findings: list[str] = []
    exceeded_ms = value(figures.EVICTION_EXCEEDED_MS)
    if exceeded_ms > _LONG_EXCESS_MS:
        findings.append(
            f"Eviction too slow: memory has exceeded maxmemory for {exceeded_ms / 1000:.1f} seconds. {_remedy(engine)}"
        )
    pending = value(figures.LAZYFREE_PENDING)
    if pending > _LONG_BACKLOG:
        findings.append(
            f"Long backlog of lazy free: {pending} objects are deleted but not yet freed. After a FLUSHALL ASYNC this "
            "passes. If it stays, more is unlinked than can be freed in the background, beside the commands: write "
            "less, or free some of it at once (DEL, the lazyfree settings)."
        )
    sample = engine.sampler.allocator_sample
    settings = engine.defrag.settings
    if (
        engine.allocator.profile.supports_defrag
        and not settings.enabled
        and sample.fragmentation_bytes() > _NOTABLE_BYTES
        and settings.is_needed(sample.active, sample.allocated)
    ):
        findings.append(
            "Defragmentation is off: the fragmentation of the allocator is above active-defrag-threshold-lower and "
            "active-defrag-ignore-bytes, but activedefrag is no. 'CONFIG SET activedefrag yes' would act on it now."
        )
    return findings


def _remedy(engine: Engine) -> str:
    """The advice for memory that stays above the limit, by policy."""
    policy = engine.settings.text("maxmemory-policy")
    if policy == "noeviction":
        return "The policy is noeviction: commands that need memory are refused until something is deleted."
    if policy.startswith("volatile"):
        return (
            f"The policy {policy} evicts only keys with an expire time; if none of these are left, use an allkeys "
            "policy. If some are left, raise maxmemory-eviction-tenacity."
        )
    return (
        "Eviction cannot keep up with what is written, or not keys but buffers and tables are left: look at "
        "used_memory_overhead and CLIENT LIST, raise maxmemory-eviction-tenacity, or set lazyfree-lazy-eviction if "
        "the keys are big."
    )


def _process_heap(engine: Engine) -> list[str]:
    """A finding on the memory that the interpreter holds beyond its live objects."""
    defrag = engine.process_defrag
    heap = defrag.figures()
    if heap is None or heap.releasable_bytes() <= _NOTABLE_BYTES or heap.ratio() <= _SPARSE_HEAP:
        return []
    finding = (
        f"Sparse process heap: the interpreter holds {heap.arenas} arenas of 1 MiB for {heap.live_bytes >> 20} MiB of "
        f"objects; {heap.releasable_bytes() >> 20} MiB of them could go back to the system if objects lay together. "
    )
    obstacle = defrag.obstacle()
    if obstacle:
        return [
            f"{finding}This process cannot be compacted: {obstacle}. The room will be used again when the data grows; "
            "only a restart gives it back to the system."
        ]
    settings = engine.defrag.settings
    if not settings.enabled:
        return [finding + "'CONFIG SET activedefrag yes' compacts it between commands."]
    if not settings.is_needed(heap.arena_bytes(), heap.live_bytes):
        return [
            finding + "Defragmentation is on but this is below its thresholds: lower active-defrag-ignore-bytes or "
            "active-defrag-threshold-lower to have it compacted."
        ]
    return [finding + "Defragmentation is on and works on it: INFO process shows how far it has come."]
