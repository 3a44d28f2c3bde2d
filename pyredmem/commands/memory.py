"""MEMORY: how much memory keys and the whole server use, advice about it, and whether the ledger is correct.

Two subcommands are our own: MEMORY AUDIT compares the ledger with all live objects, and MEMORY RESET STATS begins a new
measurement of how memory is reclaimed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.commands.help import declare_help
from pyredmem.config.kinds import BadValueError
from pyredmem.config.profiles import Profile, ProfileChoice, profile_of
from pyredmem.engine import figures
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import READ_ONLY, READONLY, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.engine.memory_doctor import diagnosis
from pyredmem.engine.memory_overhead import DatabaseOverhead, MemoryOverhead, measure_overhead
from pyredmem.keyspace.other_version import OtherVersion
from pyredmem.memory.malloc_stats import malloc_stats
from pyredmem.memory.snapshot import AllocatorSample
from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_loader import read_value
from pyredmem.objects.rdb_writer import RdbWriter
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
    """Looking up the key neither deletes it if it has expired nor counts as a use.

    VERSION, which Redis does not have, asks what the key would take in another version, as if it were loaded there.
    """
    arguments = Arguments(argv, 3)
    samples = _DEFAULT_SAMPLES
    version: Profile | None = None
    while arguments.left() > 0:
        if arguments.left() < 2:
            raise CommandError(SYNTAX_ERROR)
        if arguments.take(b"VERSION"):
            version = _version(arguments.next())
        elif arguments.take(b"SAMPLES"):
            samples = arguments.integer()
            if samples < 0:
                raise CommandError(SYNTAX_ERROR)
        else:
            raise CommandError(SYNTAX_ERROR)
    key = argv[2]
    value = context.db.stored_value(key)
    if value is None:
        context.reply.null()
        return
    if version is not None:
        context.reply.integer(_usage_in(version, context, key, value, samples))
        return
    overhead = context.db.key_overhead(key)
    context.reply.integer(overhead + value.memory(context.engine.allocator, samples))


def _version(name: bytes) -> Profile:
    """The profile that an argument names as `redis-version` does."""
    try:
        return profile_of(ProfileChoice().parse([name.decode("utf-8", "replace").lower()], current=""))
    except BadValueError as error:
        raise CommandError(b"ERR " + error.reason.encode()) from None


def _usage_in(version: Profile, context: Context, key: bytes, value: RedisObject, samples: int) -> int:
    """What a key would take in another version."""
    settings = context.engine.settings
    other = OtherVersion(version, settings.text("mem-allocator"), context.keyspace.limits)
    writer = RdbWriter(False)
    value.save(writer)
    return other.usage(key, read_value(writer.payload()), context.db.expire_time(key), samples)


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
    fields = _Fields(context.engine.profile)
    value = context.engine.figures.value
    _overhead(fields, overhead, value(figures.LUA_EVAL_BYTES) + value(figures.LUA_FUNCTIONS_BYTES))
    _allocator(fields, context.engine.sampler.allocator_sample)
    fields.reply(context.reply)


class _Fields:
    """The fields of MEMORY STATS that the version of the server has, with functions that reply with their values."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._fields: list[tuple[bytes, Callable[[ReplySink], None]]] = []

    def add(self, name: str, write: Callable[[ReplySink], None]) -> None:
        if self._profile.has_field(name):
            self._fields.append((name.encode(), write))

    def number(self, name: str, number: int) -> None:
        self.add(name, lambda reply: reply.integer(number))

    def double(self, name: str, number: float) -> None:
        self.add(name, lambda reply: reply.double(number))

    def database(self, database: DatabaseOverhead) -> None:
        """Add a map with the hash tables of a database."""
        tables = _Fields(self._profile)
        tables.number("overhead.hashtable.main", database.main_table)
        tables.number("overhead.hashtable.expires", database.expire_table)
        if self._profile.has_slot_tables:
            tables.number("overhead.hashtable.slot-to-keys", 0)
        self.add(f"db.{database.index}", tables.reply)

    def reply(self, reply: ReplySink) -> None:
        """Reply with a map of the fields."""
        reply.map(len(self._fields))
        for name, write in self._fields:
            reply.bulk(name)
            write(reply)


def _overhead(fields: _Fields, overhead: MemoryOverhead, lua_bytes: int) -> None:
    fields.number("peak.allocated", overhead.peak)
    fields.number("total.allocated", overhead.total)
    fields.number("startup.allocated", overhead.startup)
    fields.number("replication.backlog", 0)
    fields.number("replica.fullsync.buffer", 0)
    fields.number("replicas.repl.buffer", 0)
    fields.number("clients.slaves", overhead.replicas)
    fields.number("clients.normal", overhead.clients)
    fields.number("cluster.links", 0)
    fields.number("cluster.slot_import", 0)
    fields.number("cluster.slot_export", 0)
    fields.number("aof.buffer", overhead.aof_buffer)
    fields.number("lua.caches", overhead.lua_caches)
    fields.number("functions.caches", overhead.functions_caches)
    fields.number("script.VMs", lua_bytes)
    for database in overhead.databases:
        fields.database(database)
    fields.number("overhead.db.hashtable.lut", sum([database.buckets_bytes for database in overhead.databases]))
    fields.number("overhead.db.hashtable.rehashing", 0)
    fields.number("overhead.total", overhead.overhead)
    fields.number("db.dict.rehashing.count", 0)
    fields.number("keys.count", overhead.keys)
    fields.number("keys.bytes-per-key", overhead.bytes_per_key())
    fields.number("dataset.bytes", overhead.dataset())
    fields.double("dataset.percentage", overhead.dataset_percent())
    fields.double("peak.percentage", overhead.peak_percent())


def _allocator(fields: _Fields, sample: AllocatorSample) -> None:
    fields.number("allocator.allocated", sample.allocated)
    fields.number("allocator.active", sample.active)
    fields.number("allocator.resident", sample.resident)
    fields.number("allocator.muzzy", 0)
    fields.double("allocator-fragmentation.ratio", sample.fragmentation_ratio())
    fields.number("allocator-fragmentation.bytes", sample.fragmentation_bytes())
    fields.double("allocator-rss.ratio", sample.allocator_rss_ratio())
    fields.number("allocator-rss.bytes", sample.allocator_rss_bytes())
    fields.double("rss-overhead.ratio", sample.rss_overhead_ratio())
    fields.number("rss-overhead.bytes", sample.rss_overhead_bytes())
    fields.double("fragmentation", sample.total_fragmentation_ratio())
    fields.number("fragmentation.bytes", sample.total_fragmentation_bytes())


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
