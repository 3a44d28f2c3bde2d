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
_NO_APPEND_ONLY_FILE: Final = b"ERR this server does not write append-only files"


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
    if snapshots.running is not None:
        raise CommandError(_ALREADY_SAVING)
    if not snapshots.save():
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
    arguments.take(b"SCHEDULE")
    arguments.finish()
    snapshots = persistence_of(context.engine).snapshots
    if snapshots.running is not None:
        raise CommandError(_ALREADY_SAVING)
    if not context.may_block:  # in a transaction: the dataset is not to be saved in the middle
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
    summary="Rewrites the append-only file in the background; refused, because this server does not write one.",
)
def bgrewriteaof(context: Context, argv: list[bytes]) -> None:
    raise CommandError(_NO_APPEND_ONLY_FILE)
