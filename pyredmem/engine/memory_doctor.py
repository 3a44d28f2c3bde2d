"""MEMORY DOCTOR: which figures of memory are unhealthy, in words.

The first conditions are those of Redis 7.2 (object.c getMemoryDoctorReport), and so are their titles and the first
and last lines, by which programs recognise the answer; what is said below a title is ours. Behind them come findings
about what only this server has, or what Redis does not look at: how memory is taken back, and the heap of the process.
"""

from __future__ import annotations

from typing import Final

from pyredmem.engine import figures
from pyredmem.engine.engine import Engine
from pyredmem.engine.memory_overhead import MemoryOverhead, measure_overhead
from pyredmem.memory.snapshot import ratio

_ALMOST_EMPTY_BYTES: Final = 5 << 20
_NOTABLE_BYTES: Final = 10 << 20
_BIG_CLIENT_BYTES: Final = 200 << 10
_MANY_SCRIPTS: Final = 1000
#: Objects that wait to be freed in the background.
_LONG_BACKLOG: Final = 100_000
#: Memory is above maxmemory for so long (ms).
_LONG_EXCESS_MS: Final = 1000
#: Bytes of the interpreter's arenas for each byte that lives in them.
_SPARSE_HEAP: Final = 1.25

_EMPTY: Final = (
    "Hi Sam, this instance is empty or is using very little memory, so its ratios say nothing yet. "
    "Put some data into it and ask me again.\n"
)
_HEALTHY: Final = "Hi Sam, I can't find any memory issue in your instance. Everything I look at is within its bounds.\n"
_INTRODUCTION: Final = "Sam, I detected a few issues in this Redis instance memory implants:\n\n"
_FAREWELL: Final = "I'm here to keep you safe, Sam. Ask again once you have changed something.\n"


def diagnosis(engine: Engine) -> str:
    """The whole answer."""
    if engine.allocator.used_memory < _ALMOST_EMPTY_BYTES:
        return _EMPTY
    findings = _findings(engine)
    if not findings:
        return _HEALTHY
    return _INTRODUCTION + "".join([f" * {finding}\n\n" for finding in findings]) + _FAREWELL


def _findings(engine: Engine) -> list[str]:
    overhead = measure_overhead(engine)
    findings: list[str] = []
    if ratio(overhead.peak, overhead.total) > 1.5:
        findings.append(
            "Peak memory: this instance once used more than 150% of the memory it uses now. The allocator may not have "
            "given the difference back to the system, so the fragmentation ratio can look bad although the memory "
            "will be used again when the data grows. If it is needed elsewhere, try MEMORY PURGE or a restart."
        )
    findings += _fragmentation(engine)
    findings += _consumers(engine, overhead)
    findings += _reclaim(engine)
    findings += _process_heap(engine)
    return findings


def _fragmentation(engine: Engine) -> list[str]:
    sample = engine.sampler.allocator_sample
    name = engine.allocator.profile.mem_allocator
    findings: list[str] = []
    if sample.total_fragmentation_ratio() > 1.4 and sample.total_fragmentation_bytes() > _NOTABLE_BYTES:
        findings.append(
            "High total RSS: the process takes more than 1.4 times the memory that its data needs. Usually much was "
            "deleted, or was written in very different sizes, or something besides the data takes memory. If it is "
            "the former the allocator has free room that it cannot return. "
            f'The allocator in use is "{name}".'
        )
    if sample.fragmentation_ratio() > 1.1 and sample.fragmentation_bytes() > _NOTABLE_BYTES:
        findings.append(
            "High allocator fragmentation: the pages in use have more than 10% of free room between the allocations "
            "(external fragmentation). If the allocator supports it, 'CONFIG SET activedefrag yes' moves them together."
        )
    if sample.allocator_rss_ratio() > 1.1 and sample.allocator_rss_bytes() > _NOTABLE_BYTES:
        findings.append(
            "High allocator RSS overhead: the allocator keeps more than 10% of free pages in memory. They go back "
            "to the system with time, or at once with MEMORY PURGE."
        )
    if sample.rss_overhead_ratio() > 1.1 and sample.rss_overhead_bytes() > _NOTABLE_BYTES:
        findings.append(
            "High process RSS overhead: more than 10% of the process's memory is none of the allocator's. Here that "
            "is the Python process around the data; scripts may add to it."
        )
    return findings


def _consumers(engine: Engine, overhead: MemoryOverhead) -> list[str]:
    findings: list[str] = []
    if engine.figures.value(figures.REPLICAS) > 0 and overhead.replicas > _NOTABLE_BYTES:
        findings.append(
            "Big replica buffers: more than 10 MiB wait to be sent to replicas. One of them, or the network to it, is "
            "too slow for what is written: INFO replication shows how far behind each is."
        )
    clients = len(engine.sessions)
    if clients > 0 and overhead.clients // clients > _BIG_CLIENT_BYTES:
        findings.append(
            "Big client buffers: the clients' buffers take more than 200 KiB per client on average. Look for clients "
            "that read their replies too slowly or send very long pipelines: CLIENT LIST shows them (omem, qbuf)."
        )
    if engine.figures.value(figures.CACHED_SCRIPTS) > _MANY_SCRIPTS:
        findings.append(
            "Many scripts: more than 1000 scripts are cached. Probably values are written into the text of scripts; "
            "pass them as keys and arguments instead, so that one script serves all of them."
        )
    return findings


def _reclaim(engine: Engine) -> list[str]:
    """How eviction, lazy free and defragmentation cope."""
    value = engine.figures.value
    findings: list[str] = []
    exceeded_ms = value(figures.EVICTION_EXCEEDED_MS)
    if exceeded_ms > _LONG_EXCESS_MS:
        findings.append(
            f"Eviction too slow: memory is above maxmemory for {exceeded_ms / 1000:.1f} seconds. {_remedy(engine)}"
        )
    pending = value(figures.LAZYFREE_PENDING)
    if pending > _LONG_BACKLOG:
        findings.append(
            f"Long backlog of lazy free: {pending} objects are deleted but not yet freed. Behind a FLUSHALL ASYNC "
            "that passes. If it stays, more is unlinked than the background can free beside the commands: write less, "
            "or free some of it at once (DEL, the lazyfree settings)."
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
    """What helps when memory stays above the limit, by policy."""
    policy = engine.settings.text("maxmemory-policy")
    if policy == "noeviction":
        return "The policy is noeviction: commands that need memory are refused until something is deleted."
    if policy.startswith("volatile"):
        return (
            f"The policy {policy} evicts only keys with an expire time; if there are none left an allkeys policy is "
            "what is needed. If there are, raise maxmemory-eviction-tenacity."
        )
    return (
        "Eviction cannot keep up with what is written, or what is left are not keys but buffers and tables: look at "
        "used_memory_overhead and CLIENT LIST, raise maxmemory-eviction-tenacity, or set lazyfree-lazy-eviction if "
        "the keys are big."
    )


def _process_heap(engine: Engine) -> list[str]:
    """What the interpreter holds beyond what lives in it."""
    defrag = engine.process_defrag
    heap = defrag.figures()
    if heap is None or heap.releasable_bytes() <= _NOTABLE_BYTES or heap.ratio() <= _SPARSE_HEAP:
        return []
    finding = (
        f"Sparse process heap: the interpreter holds {heap.arenas} arenas of 1 MiB for {heap.live_bytes >> 20} MiB of "
        f"objects; {heap.releasable_bytes() >> 20} MiB of them could go back to the system if those lay together. "
    )
    obstacle = defrag.obstacle()
    if obstacle:
        return [
            f"{finding}This process cannot be compacted: {obstacle}. The room will be used again when the data grows; "
            "only a restart gives it back."
        ]
    settings = engine.defrag.settings
    if not settings.enabled:
        return [finding + "'CONFIG SET activedefrag yes' compacts it between commands."]
    if not settings.is_needed(heap.arena_bytes(), heap.live_bytes):
        return [
            finding + "Defragmentation is on but this is below its thresholds: lower active-defrag-ignore-bytes or "
            "active-defrag-threshold-lower to have it compacted."
        ]
    return [finding + "Defragmentation is on and works on it: INFO process tells how far it has come."]
