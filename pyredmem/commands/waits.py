"""WAIT and WAITAOF, as a server without replicas runs them: no replica ever acknowledges a write."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.commands.counts import at_least
from pyredmem.engine.arguments import deadline_ms, integer
from pyredmem.engine.blocking import Awaited, reply_reached
from pyredmem.engine.command import BLOCKING, Group
from pyredmem.engine.context import Context
from pyredmem.persistence.append_only_file import OFF, AppendOnlyFile
from pyredmem.persistence.persistence import persistence_of

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
    context.engine.blocking.wait(context.session, context.reply, Awaited(), until_ms)


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
    replicas = at_least(0, argv[2], errors.MUST_BE_POSITIVE)
    until_ms = deadline_ms(argv[3], context.keyspace.now_ms())
    append_only = persistence_of(context.engine).append_only
    awaited = _AwaitedFile(append_only, context.session.recorded_units, local > 0, replicas > 0)
    error = awaited.error()
    if error is not None:
        raise CommandError(error)
    if awaited.is_over() or not context.may_block:
        reply_reached(context.reply, awaited)
    else:
        context.engine.blocking.wait(context.session, context.reply, awaited, until_ms)


class _AwaitedFile(Awaited):
    """What a client waits for after WAITAOF."""

    def __init__(self, append_only: AppendOnlyFile, units: i64, wants_local: bool, wants_replicas: bool) -> None:
        self._append_only = append_only
        self._units: i64 = units  # up to which everything is to be on the disk
        self._wants_local = wants_local
        self._wants_replicas = wants_replicas

    def _is_on_disk(self) -> bool:
        return self._append_only.state != OFF and self._append_only.log.synced_units >= self._units

    def reached(self) -> list[int]:
        return [1 if self._is_on_disk() else 0, 0]

    def is_over(self) -> bool:
        return not self._wants_replicas and (not self._wants_local or self._is_on_disk())

    def error(self) -> bytes | None:
        return errors.NO_APPEND_ONLY_FILE if self._wants_local and self._append_only.state == OFF else None
