"""Commands of the group *server* that save the dataset: SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import CommandError
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import (
    ADMIN,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    STALE,
    Group,
)
from pyredmem.engine.context import Context
from pyredmem.persistence.persistence import persistence_of

saving: Final = Group("server")

_ALREADY_SAVING: Final = b"ERR Background save already in progress"
#: The log tells what went wrong. That is all that Redis replies.
_FAILED: Final = b"ERR"
_IS_REWRITING: Final = (
    b"ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a "
    b"BGSAVE whenever possible."
)
_ALREADY_REWRITING: Final = b"ERR Background append only file rewriting already in progress"
_CANNOT_REWRITE: Final = (
    b"ERR Can't execute an AOF background rewriting. Please check the server logs for more information."
)


@saving.command(
    "lastsave",
    arity=1,
    flags=LOADING | STALE | FAST,
    acl="admin dangerous",
    since="1.0.0",
    complexity="O(1)",
    summary="Returns the unix time of the last save; before the first one, that of the start of the server.",
    tips=("nondeterministic_output",),
)
def lastsave(context: Context, argv: list[bytes]) -> None:
    context.reply.integer(persistence_of(context.engine).snapshots.last_s)


@saving.command(
    "save",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
    since="1.0.0",
    complexity="O(N) with N keys in all databases",
    summary="Saves the dataset to disk while all clients wait.",
)
def save(context: Context, argv: list[bytes]) -> None:
    snapshots = persistence_of(context.engine).snapshots
    if snapshots.is_running():
        raise CommandError(_ALREADY_SAVING)
    if not snapshots.save_on_request():
        raise CommandError(_FAILED)
    context.reply.ok()


@saving.command(
    "bgsave",
    arity=-1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    since="1.0.0",
    complexity="O(1)",
    summary="Saves the dataset to disk in the background.",
    syntax="[SCHEDULE]",
    history=(("3.2.2", "Added the `SCHEDULE` option."),),
)
def bgsave(context: Context, argv: list[bytes]) -> None:
    arguments = Arguments(argv)
    schedules = arguments.take(b"SCHEDULE")
    arguments.finish()
    persistence = persistence_of(context.engine)
    snapshots = persistence.snapshots
    if snapshots.is_running():
        raise CommandError(_ALREADY_SAVING)
    is_busy = persistence.rewrites.is_running()
    if is_busy and not schedules and context.may_block:
        raise CommandError(_IS_REWRITING)
    if is_busy or not context.may_block:  # in a transaction the dataset is not to be saved in the middle
        snapshots.is_scheduled = True
        context.reply.simple(b"Background saving scheduled")
    elif snapshots.begin():
        context.reply.simple(b"Background saving started")
    else:
        raise CommandError(_FAILED)


@saving.command(
    "bgrewriteaof",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    since="1.0.0",
    complexity="O(1)",
    summary="Rewrites the append-only file in the background, so that it is as short as possible.",
)
def bgrewriteaof(context: Context, argv: list[bytes]) -> None:
    """Without appendonly this writes a base that nobody appends to."""
    persistence = persistence_of(context.engine)
    rewrites = persistence.rewrites
    if rewrites.is_running():
        raise CommandError(_ALREADY_REWRITING)
    if persistence.snapshots.is_running() or not context.may_block:
        rewrites.schedule()
        context.reply.simple(b"Background append only file rewriting scheduled")
    elif rewrites.begin():
        context.reply.simple(b"Background append only file rewriting started")
    else:
        raise CommandError(_CANNOT_REWRITE)
