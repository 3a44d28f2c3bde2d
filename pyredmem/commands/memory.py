"""MEMORY: how much memory keys and the whole server use, advice about it, and whether the ledger is correct.

Two subcommands are our own: MEMORY AUDIT compares the ledger with all live objects, and MEMORY RESET STATS begins a new
measurement of how memory is reclaimed.
"""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.commands.help import declare_help
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import READ_ONLY, READONLY, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.engine.memory_doctor import diagnosis
from pyredmem.engine.memory_overhead import MemoryOverhead, measure_overhead
from pyredmem.memory.malloc_stats import malloc_stats
from pyredmem.memory.snapshot import AllocatorSample
from pyredmem.protocol.reply import ReplySink

memory: Final = Group("server")

memory.container("memory", since="4.0.0", summary="A container for commands about memory.")
declare_help(memory, "memory", since="4.0.0")

_DEFAULT_SAMPLES: Final = 5
_NO_STATISTICS: Final = b"Stats not supported for the current allocator"


@memory.command(
    "memory|usage",
    arity=-3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, index=2),),
    since="4.0.0",
    complexity="O(N) where N is the number of samples.",
    summary="Estimates how many bytes of memory a key and its value use.",
    syntax="key [SAMPLES count]",
)
def memory_usage(context: Context, argv: list[bytes]) -> None:
    """Looking up the key neither deletes it if it has expired nor counts as a use."""
    arguments = Arguments(argv, 3)
    samples = _DEFAULT_SAMPLES
    while arguments.left() > 0:
        if arguments.left() < 2 or not arguments.take(b"SAMPLES"):
            raise CommandError(SYNTAX_ERROR)
        samples = arguments.integer()
        if samples < 0:
            raise CommandError(SYNTAX_ERROR)
    key = argv[2]
    value = context.db.stored_value(key)
    if value is None:
        context.reply.null()
        return
    overhead = context.db.key_overhead(key)
    context.reply.integer(overhead + value.memory(context.engine.allocator, samples))


@memory.command(
    "memory|stats",
    arity=2,
    flags=0,
    since="4.0.0",
    complexity="O(1)",
    summary="Returns how much memory each part of the server uses.",
    tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
)
def memory_stats(context: Context, argv: list[bytes]) -> None:
    overhead = measure_overhead(context.engine)
    context.reply.map(27 + len(overhead.databases))
    _overhead(context.reply, overhead)
    _allocator(context.reply, context.engine.sampler.allocator_sample)


def _overhead(reply: ReplySink, overhead: MemoryOverhead) -> None:
    _number(reply, b"peak.allocated", overhead.peak)
    _number(reply, b"total.allocated", overhead.total)
    _number(reply, b"startup.allocated", overhead.startup)
    _number(reply, b"replication.backlog", 0)
    _number(reply, b"clients.slaves", overhead.replicas)
    _number(reply, b"clients.normal", overhead.clients)
    _number(reply, b"cluster.links", 0)
    _number(reply, b"aof.buffer", overhead.aof_buffer)
    _number(reply, b"lua.caches", overhead.lua_caches)
    _number(reply, b"functions.caches", overhead.functions_caches)
    for database in overhead.databases:
        reply.bulk(b"db.%d" % database.index)
        reply.map(3)
        _number(reply, b"overhead.hashtable.main", database.main_table)
        _number(reply, b"overhead.hashtable.expires", database.expire_table)
        _number(reply, b"overhead.hashtable.slot-to-keys", 0)
    _number(reply, b"overhead.total", overhead.overhead)
    _number(reply, b"keys.count", overhead.keys)
    _number(reply, b"keys.bytes-per-key", overhead.bytes_per_key())
    _number(reply, b"dataset.bytes", overhead.dataset())
    _double(reply, b"dataset.percentage", overhead.dataset_percent())
    _double(reply, b"peak.percentage", overhead.peak_percent())


def _allocator(reply: ReplySink, sample: AllocatorSample) -> None:
    _number(reply, b"allocator.allocated", sample.allocated)
    _number(reply, b"allocator.active", sample.active)
    _number(reply, b"allocator.resident", sample.resident)
    _double(reply, b"allocator-fragmentation.ratio", sample.fragmentation_ratio())
    _number(reply, b"allocator-fragmentation.bytes", sample.fragmentation_bytes())
    _double(reply, b"allocator-rss.ratio", sample.allocator_rss_ratio())
    _number(reply, b"allocator-rss.bytes", sample.allocator_rss_bytes())
    _double(reply, b"rss-overhead.ratio", sample.rss_overhead_ratio())
    _number(reply, b"rss-overhead.bytes", sample.rss_overhead_bytes())
    _double(reply, b"fragmentation", sample.total_fragmentation_ratio())
    _number(reply, b"fragmentation.bytes", sample.total_fragmentation_bytes())


def _number(reply: ReplySink, name: bytes, number: int) -> None:
    reply.bulk(name)
    reply.integer(number)


def _double(reply: ReplySink, name: bytes, number: float) -> None:
    reply.bulk(name)
    reply.double(number)


@memory.command(
    "memory|doctor",
    arity=2,
    flags=0,
    since="4.0.0",
    complexity="O(1)",
    summary="Returns a report on memory problems, with advice.",
    tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
)
def memory_doctor(context: Context, argv: list[bytes]) -> None:
    context.reply.verbatim(diagnosis(context.engine).encode())


@memory.command(
    "memory|malloc-stats",
    arity=2,
    flags=0,
    since="4.0.0",
    complexity="Depends on how much memory is allocated, could be slow",
    summary="Returns the statistics of the allocator.",
    tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
)
def memory_malloc_stats(context: Context, argv: list[bytes]) -> None:
    allocator = context.engine.allocator
    if allocator.profile.has_statistics:
        context.reply.verbatim(malloc_stats(allocator).encode())
    else:
        context.reply.bulk(_NO_STATISTICS)


@memory.command(
    "memory|purge",
    arity=2,
    flags=0,
    since="4.0.0",
    complexity="Depends on how much memory is allocated, could be slow",
    summary="Returns free pages to the operating system.",
    tips=("request_policy:all_shards", "response_policy:all_succeeded"),
)
def memory_purge(context: Context, argv: list[bytes]) -> None:
    """Purge the dirty pages of the ledger, and return free memory of the process."""
    context.engine.allocator.purge()
    context.engine.host.trim()
    context.reply.ok()


@memory.command(
    "memory|reset",
    arity=3,
    flags=0,
    since="7.2.0",
    complexity="O(1)",
    summary="Resets the peak of used memory and the counters of reclaimed memory; not in Redis.",
    syntax="STATS",
    tips=("request_policy:all_shards", "response_policy:all_succeeded"),
)
def memory_reset(context: Context, argv: list[bytes]) -> None:
    """Reset the peak, and the counters of expiry, eviction, lazy freeing and defragmentation."""
    if argv[2].upper() != b"STATS":
        raise CommandError(SYNTAX_ERROR)
    engine = context.engine
    engine.allocator.reset_peak()
    engine.keyspace.reset_expired()
    engine.figures.reset_reclaim()
    context.reply.ok()


@memory.command(
    "memory|audit",
    arity=2,
    flags=0,
    since="4.0.0",
    complexity="O(N) where N is the number of allocations.",
    summary="Compares the ledger of allocations with all live objects; not in Redis.",
    tips=("nondeterministic_output",),
)
def memory_audit(context: Context, argv: list[bytes]) -> None:
    """Reply with OK, or with an error that lists everything that is wrong with the ledger."""
    report = context.engine.audit()
    if report.ok:
        context.reply.ok()
    else:
        raise CommandError(b"ERR the ledger is not sound: " + "; ".join(report.lines()).encode())
