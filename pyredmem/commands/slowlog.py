"""SLOWLOG: the log of commands that took longer than ``slowlog-log-slower-than`` microseconds."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import CommandError, bad_subcommand_call
from pyredmem.commands.help import declare_help
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import ADMIN, LOADING, STALE, Group
from pyredmem.engine.context import Context

slowlog: Final = Group("server")

_FLAGS: Final = ADMIN | LOADING | STALE
_USUAL_COUNT: Final = 10
BAD_COUNT: Final = b"ERR count should be greater than or equal to -1"

slowlog.container("slowlog", since="2.2.12", summary="A container for commands about the slow log.")
declare_help(slowlog, "slowlog", since="6.2.0")


@slowlog.command(
    "slowlog|get",
    arity=-2,
    flags=_FLAGS,
    since="2.2.12",
    complexity="O(N) with N entries returned",
    summary="Returns the latest entries, by default 10, with -1 all: the id, unix time, microseconds, "
    "arguments, client address and client name of each.",
    syntax="[count]",
    history=(("4.0.0", "Added the address and name of the client."),),
    tips=("request_policy:all_nodes", "nondeterministic_output"),
)
def slowlog_get(context: Context, argv: list[bytes]) -> None:
    if len(argv) > 3:
        raise bad_subcommand_call(argv[0], argv[1])
    count = integer(argv[2], BAD_COUNT) if len(argv) == 3 else _USUAL_COUNT
    if count < -1:
        raise CommandError(BAD_COUNT)
    reply_entries(context, count)


def reply_entries(context: Context, count: int) -> None:
    """Reply with the latest entries of the slow log."""
    entries = context.engine.slow_commands.log.get(count)
    reply = context.reply
    reply.array(len(entries))
    for entry in entries:
        reply.array(6)
        reply.integer(entry.entry_id)
        reply.integer(entry.time_s)
        reply.integer(entry.duration_us)
        reply.bulks(entry.arguments)
        reply.bulk(entry.client_address)
        reply.bulk(entry.client_name)


@slowlog.command(
    "slowlog|len",
    arity=2,
    flags=_FLAGS,
    since="2.2.12",
    complexity="O(1)",
    summary="Returns the number of entries in the slow log.",
    tips=("request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"),
)
def slowlog_len(context: Context, argv: list[bytes]) -> None:
    context.reply.integer(len(context.engine.slow_commands.log))


@slowlog.command(
    "slowlog|reset",
    arity=2,
    flags=_FLAGS,
    since="2.2.12",
    complexity="O(N) with N entries",
    summary="Deletes all entries from the slow log.",
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
)
def slowlog_reset(context: Context, argv: list[bytes]) -> None:
    context.engine.slow_commands.log.reset()
    context.reply.ok()
