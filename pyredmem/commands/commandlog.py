"""COMMANDLOG: Valkey's name for the slow log, beside which it has logs of large requests and of large replies.

Here only slow commands are logged; the other two logs exist and stay empty.
"""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import CommandError
from pyredmem.commands.help import declare_help
from pyredmem.commands.slowlog import BAD_COUNT, reply_entries
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import ADMIN, LOADING, STALE, Group
from pyredmem.engine.context import Context

commandlog: Final = Group("server")

_FLAGS: Final = ADMIN | LOADING | STALE
_TYPES: Final = "<SLOW | LARGE-REQUEST | LARGE-REPLY>"
_SLOW: Final = b"SLOW"
_KINDS: Final = frozenset((_SLOW, b"LARGE-REQUEST", b"LARGE-REPLY"))

commandlog.container("commandlog", since="8.1.0", summary="A container for commands about the logs of commands.")
declare_help(commandlog, "commandlog", since="8.1.0")


def _is_slow(name: bytes) -> bool:
    """Whether a call is about the slow log."""
    kind = name.upper()
    if kind not in _KINDS:
        raise CommandError(b"ERR type should be one of the following: slow, large-request, large-reply")
    return kind == _SLOW


@commandlog.command(
    "commandlog|get",
    arity=4,
    flags=_FLAGS,
    since="8.1.0",
    complexity="O(N) with N entries returned",
    summary="Returns the latest entries of a log, with -1 all.",
    syntax=f"count {_TYPES}",
    tips=("request_policy:all_nodes", "nondeterministic_output"),
)
def commandlog_get(context: Context, argv: list[bytes]) -> None:
    count = integer(argv[2], BAD_COUNT)
    if count < -1:
        raise CommandError(BAD_COUNT)
    if _is_slow(argv[3]):
        reply_entries(context, count)
    else:
        context.reply.array(0)


@commandlog.command(
    "commandlog|len",
    arity=3,
    flags=_FLAGS,
    since="8.1.0",
    complexity="O(1)",
    summary="Returns the number of entries in a log.",
    syntax=_TYPES,
    tips=("request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"),
)
def commandlog_len(context: Context, argv: list[bytes]) -> None:
    context.reply.integer(len(context.engine.slow_commands.log) if _is_slow(argv[2]) else 0)


@commandlog.command(
    "commandlog|reset",
    arity=3,
    flags=_FLAGS,
    since="8.1.0",
    complexity="O(N) with N entries",
    summary="Deletes all entries from a log.",
    syntax=_TYPES,
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
)
def commandlog_reset(context: Context, argv: list[bytes]) -> None:
    if _is_slow(argv[2]):
        context.engine.slow_commands.log.reset()
    context.reply.ok()
