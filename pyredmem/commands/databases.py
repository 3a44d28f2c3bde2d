"""Commands of the group *server* that work on whole databases."""

from __future__ import annotations

from typing import Final

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import FAST, READONLY, WRITE, Group
from pyredmem.engine.context import Context
from pyredmem.keyspace.database import Database
from pyredmem.persistence.persistence import persistence_of

databases: Final = Group("server")

_INT_MAX: Final = 2147483647
_INT_MIN: Final = -2147483648
_FLUSH_SYNTAX: Final = "[ASYNC | SYNC]"
_FLUSH_HISTORY: Final = (
    ("4.0.0", "Added the `ASYNC` option."),
    ("6.2.0", "Added the `SYNC` option."),
)
_FLUSH_TIPS: Final = ("request_policy:all_shards", "response_policy:all_succeeded")


@databases.command(
    "dbsize",
    arity=1,
    flags=READONLY | FAST,
    acl="keyspace",
    since="1.0.0",
    complexity="O(1)",
    summary="Counts the keys in the database.",
    tips=("request_policy:all_shards", "response_policy:agg_sum"),
)
def dbsize(context: Context, argv: list[bytes]) -> None:
    """Expired keys count until they are deleted."""
    context.reply.integer(context.db.size())


@databases.command(
    "flushdb",
    arity=-1,
    flags=WRITE,
    acl="keyspace dangerous",
    since="1.0.0",
    complexity="O(N) with N being the number of keys in the database.",
    summary="Deletes all keys of the database.",
    syntax=_FLUSH_SYNTAX,
    history=_FLUSH_HISTORY,
    tips=_FLUSH_TIPS,
)
def flushdb(context: Context, argv: list[bytes]) -> None:
    _flush(context, argv, [context.db], _is_async(context, argv))


@databases.command(
    "flushall",
    arity=-1,
    flags=WRITE,
    acl="keyspace dangerous",
    since="1.0.0",
    complexity="O(N) with N being the number of keys in all databases.",
    summary="Deletes all keys of all databases.",
    syntax=_FLUSH_SYNTAX,
    history=_FLUSH_HISTORY,
    tips=_FLUSH_TIPS,
)
def flushall(context: Context, argv: list[bytes]) -> None:
    in_background = _is_async(context, argv)
    snapshots = persistence_of(context.engine).snapshots
    snapshots.kill()  # before it has to keep all that goes
    _flush(context, argv, context.keyspace.databases, in_background)
    snapshots.dataset_flushed()


def _flush(context: Context, argv: list[bytes], flushed: list[Database], in_background: bool) -> None:
    """Empty databases. Without ASYNC, free pages go back to the system at once, in the ledger and in the process."""
    used_before = context.engine.allocator.used_memory
    context.keyspace.flush(flushed, in_background)
    context.record_instead(argv.copy())  # even if there were no keys
    if not in_background:
        context.engine.allocator.purge()
        context.engine.heap_trim.flushed(used_before)
    context.reply.ok()


def _is_async(context: Context, argv: list[bytes]) -> bool:
    """Whether the option is ASYNC; without an option lazyfree-lazy-user-flush decides."""
    if len(argv) == 1:
        return context.keyspace.lazy_user_flush
    mode = argv[1].upper()
    if len(argv) > 2 or mode not in (b"ASYNC", b"SYNC"):
        raise CommandError(errors.SYNTAX_ERROR)
    return mode == b"ASYNC"


@databases.command(
    "swapdb",
    arity=3,
    flags=WRITE | FAST,
    acl="keyspace dangerous",
    since="4.0.0",
    complexity="O(N) with N being the number of clients that watch or are blocked on keys of either database.",
    summary="Swaps two databases: clients of either one see the keys of the other from now on.",
    syntax="index1 index2",
)
def swapdb(context: Context, argv: list[bytes]) -> None:
    first = _index(argv[1], errors.INVALID_FIRST_DB)
    second = _index(argv[2], errors.INVALID_SECOND_DB)
    all_databases = context.keyspace.databases
    if not (0 <= first < len(all_databases) and 0 <= second < len(all_databases)):
        raise CommandError(errors.DB_INDEX_OUT_OF_RANGE)
    if first != second:
        context.keyspace.swap(all_databases[first], all_databases[second])
    context.keyspace.changes.count(1)
    context.reply.ok()


def _index(argument: bytes, error: bytes) -> int:
    number = integer(argument, error)
    if not _INT_MIN <= number <= _INT_MAX:
        raise CommandError(error)
    return number


def database_at(context: Context, argument: bytes) -> Database:
    """The database whose index an argument gives."""
    number = integer(argument)
    if not _INT_MIN <= number <= _INT_MAX:
        raise errors.not_between(_INT_MIN, _INT_MAX)
    if not 0 <= number < len(context.keyspace.databases):
        raise CommandError(errors.DB_INDEX_OUT_OF_RANGE)
    return context.keyspace.databases[number]
