"""WAIT and WAITAOF, as a server without replicas runs them: no replica ever acknowledges a write."""

from __future__ import annotations

from typing import Final

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.engine.arguments import deadline_ms, integer
from pyredmem.engine.command import BLOCKING, Group
from pyredmem.engine.context import Context

waits: Final = Group("generic")

_TIPS: Final = ("request_policy:all_shards", "response_policy:agg_min")


@waits.command(
    "wait",
    arity=3,
    flags=BLOCKING,
    acl="connection",
    since="3.0.0",
    complexity="O(1)",
    summary="Blocks until a number of replicas have the writes of this connection, or until the timeout.",
    syntax="numreplicas timeout",
    tips=_TIPS,
)
def wait(context: Context, argv: list[bytes]) -> None:
    replicas = integer(argv[1])
    until_ms = deadline_ms(argv[2], context.keyspace.now_ms())
    if replicas <= 0 or not context.may_block:
        context.reply.integer(0)
        return
    context.engine.blocking.wait(context.session, context.reply, [0], until_ms)


@waits.command(
    "waitaof",
    arity=4,
    flags=BLOCKING,
    acl="connection",
    since="7.2.0",
    complexity="O(1)",
    summary="Blocks until the writes of this connection are in the append-only files of this server and of replicas.",
    syntax="numlocal numreplicas timeout",
    tips=_TIPS,
)
def waitaof(context: Context, argv: list[bytes]) -> None:
    local = integer(argv[1])
    if not 0 <= local <= 1:
        raise errors.not_between(0, 1)
    replicas = integer(argv[2])
    if replicas < 0:
        raise CommandError(errors.MUST_BE_POSITIVE)
    until_ms = deadline_ms(argv[3], context.keyspace.now_ms())
    if local > 0:  # this server writes no append-only file, even with appendonly yes
        raise CommandError(errors.NO_APPEND_ONLY_FILE)
    if replicas > 0 and context.may_block:
        context.engine.blocking.wait(context.session, context.reply, [0, 0], until_ms)
        return
    context.reply.array(2)
    context.reply.integer(0)
    context.reply.integer(0)
