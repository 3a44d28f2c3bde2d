"""The rest of the group *server*: TIME, SHUTDOWN, and the commands on persistence.

There is no persistence here. Commands that would write a file are refused with an error that says so; LASTSAVE is
answered truthfully.
"""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import (
    ADMIN,
    ALLOW_BUSY,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    STALE,
    Group,
)
from pyredmem.engine.context import Context

server: Final = Group("server")

_NO_PERSISTENCE: Final = b"ERR this server keeps its data in memory only and writes no files"
_NO_SHUTDOWN: Final = b"ERR No shutdown in progress."
_SHUTDOWN_FAILED: Final = b"ERR Errors trying to SHUTDOWN. Check logs."


@server.command(
    "time",
    arity=1,
    flags=LOADING | STALE | FAST,
    since="2.6.0",
    complexity="O(1)",
    summary="Returns the time of the server.",
    tips=("nondeterministic_output",),
)
def time_(context: Context, argv: list[bytes]) -> None:
    """Reply with the unix time in seconds and the microseconds of that second."""
    now_us = int(context.keyspace.now_us)
    context.reply.array(2)
    context.reply.bulk(b"%d" % (now_us // 1_000_000))
    context.reply.bulk(b"%d" % (now_us % 1_000_000))


@server.command(
    "lastsave",
    arity=1,
    flags=LOADING | STALE | FAST,
    acl="admin dangerous",
    since="1.0.0",
    complexity="O(1)",
    summary="Returns the unix time of the last save. Nothing is ever saved here, so it is the start of the server.",
    tips=("nondeterministic_output",),
)
def lastsave(context: Context, argv: list[bytes]) -> None:
    context.reply.integer(context.engine.core.started_us // 1_000_000)


@server.command(
    "save",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
    since="1.0.0",
    complexity="O(N) with N keys in all databases",
    summary="Saves the data to disk; refused, because this server writes no files.",
)
def save(context: Context, argv: list[bytes]) -> None:
    raise CommandError(_NO_PERSISTENCE)


@server.command(
    "bgsave",
    arity=-1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    since="1.0.0",
    complexity="O(1)",
    summary="Saves the data to disk in the background; refused, because this server writes no files.",
    syntax="[SCHEDULE]",
    history=(("3.2.2", "Added the `SCHEDULE` option."),),
)
def bgsave(context: Context, argv: list[bytes]) -> None:
    arguments = Arguments(argv)
    arguments.take(b"SCHEDULE")
    arguments.finish()
    raise CommandError(_NO_PERSISTENCE)


@server.command(
    "bgrewriteaof",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    since="1.0.0",
    complexity="O(1)",
    summary="Rewrites the append-only file in the background; refused, because this server writes no files.",
)
def bgrewriteaof(context: Context, argv: list[bytes]) -> None:
    raise CommandError(_NO_PERSISTENCE)


@server.command(
    "shutdown",
    arity=-1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY,
    since="1.0.0",
    complexity="O(1)",
    summary="Shuts the server down.",
    syntax="[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
    history=(("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` options."),),
)
def shutdown(context: Context, argv: list[bytes]) -> None:
    """There are no replicas to wait for, so NOW has no effect and there never is a shutdown to abort."""
    words = {word.upper() for word in argv[1:]}
    if not words <= _SHUTDOWN_WORDS or {b"SAVE", b"NOSAVE"} <= words or (b"ABORT" in words and len(words) > 1):
        raise CommandError(SYNTAX_ERROR)
    if b"ABORT" in words:
        raise CommandError(_NO_SHUTDOWN)
    host = context.engine.host
    if b"SAVE" in words and b"FORCE" not in words:
        host.log("warning", "SHUTDOWN SAVE is refused because this server writes no files; use NOSAVE or FORCE.")
        raise CommandError(_SHUTDOWN_FAILED)
    script_run = context.engine.script_run
    if script_run.is_suspended() and b"NOSAVE" not in words:
        raise CommandError(script_run.busy_error())
    context.session.close()
    host.shut_down()


_SHUTDOWN_WORDS: Final = frozenset((b"NOSAVE", b"SAVE", b"NOW", b"FORCE", b"ABORT"))
