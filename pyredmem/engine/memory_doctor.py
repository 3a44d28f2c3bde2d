"""MEMORY DOCTOR: which figures of memory are unhealthy, in words.

The conditions are those of Redis 7.2 (object.c getMemoryDoctorReport), and so are the titles and the first
and last lines, by which programs recognise the answer; what is said below a title is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyredmem.engine import figures
from pyredmem.engine.memory_overhead import measure_overhead
from pyredmem.memory.snapshot import ratio

if TYPE_CHECKING:
    from pyredmem.engine.engine import Engine

_ALMOST_EMPTY_BYTES: Final = 5 << 20
_NOTABLE_BYTES: Final = 10 << 20
_BIG_CLIENT_BYTES: Final = 200 << 10
_MANY_SCRIPTS: Final = 1000

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
    findings += _consumers(engine, overhead.clients)
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


def _consumers(engine: Engine, clients_bytes: int) -> list[str]:
    findings: list[str] = []
    clients = engine.figures.value(figures.ORDINARY_CLIENTS) or len(engine.sessions)
    if clients > 0 and clients_bytes // clients > _BIG_CLIENT_BYTES:
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
