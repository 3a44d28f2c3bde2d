"""Commands of the group *transactions*: MULTI, EXEC, DISCARD, WATCH, UNWATCH.

Between MULTI and EXEC the dispatcher queues instead of running (engine/dispatch.py); what could not be queued makes
EXEC refuse. EXEC runs the queue at one moment: the time of the keyspace stands still until the last reply.
"""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import EXEC_ABORT, CommandError
from pyredmem.engine.command import (
    ALLOW_BUSY,
    FAST,
    IMMEDIATE_IN_MULTI,
    LOADING,
    NOSCRIPT,
    QUEUED_OUT_OF_MEMORY,
    READ_ONLY,
    RUNS_QUEUE,
    SKIP_SLOWLOG,
    STALE,
    Group,
    key_at,
)
from pyredmem.engine.context import Context

transactions: Final = Group("transactions")


@transactions.command(
    "multi",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY | IMMEDIATE_IN_MULTI,
    acl="transaction",
    since="1.2.0",
    complexity="O(1)",
    summary="Begins a transaction: the commands that follow wait for EXEC.",
)
def multi(context: Context, argv: list[bytes]) -> None:
    if context.session.transaction.active:
        raise CommandError(b"ERR MULTI calls can not be nested")
    context.session.begin_transaction()
    context.reply.ok()


@transactions.command(
    "exec",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG | IMMEDIATE_IN_MULTI | QUEUED_OUT_OF_MEMORY | RUNS_QUEUE,
    acl="transaction",
    since="1.2.0",
    complexity="That of the commands in the transaction",
    summary="Runs the commands of the transaction, unless a watched key was changed.",
)
def exec_(context: Context, argv: list[bytes]) -> None:
    session = context.session
    transaction = session.transaction
    if not transaction.active:
        raise CommandError(b"ERR EXEC without MULTI")
    if transaction.aborted:
        session.end_transaction()
        raise CommandError(EXEC_ABORT)
    if _is_stale(context):
        session.end_transaction()
        context.reply.null_array()
        return
    queue = transaction.start()
    session.leave_queueing()
    context.reply.array(len(queue))
    for queued in queue:
        context.runner.call(context, queued.command, queued.argv)
    session.end_transaction()


def _is_stale(context: Context) -> bool:
    """Whether a watched key was changed, or its time is over since."""
    transaction = context.session.transaction
    if transaction.watcher.dirty:
        return True
    databases = context.keyspace.databases
    expired = transaction.watcher.expired
    return any(databases[index].is_expired(key) and (index, key) not in expired for index, key in transaction.watched)


@transactions.command(
    "discard",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY | IMMEDIATE_IN_MULTI | QUEUED_OUT_OF_MEMORY,
    acl="transaction",
    since="2.0.0",
    complexity="O(N) with N queued commands",
    summary="Gives the transaction up; nothing of it is run.",
)
def discard(context: Context, argv: list[bytes]) -> None:
    if not context.session.transaction.active:
        raise CommandError(b"ERR DISCARD without MULTI")
    context.session.end_transaction()
    context.reply.ok()


@transactions.command(
    "watch",
    arity=-2,
    flags=NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY | IMMEDIATE_IN_MULTI,
    keys=(key_at(READ_ONLY, last=-1),),
    acl="transaction",
    since="2.2.0",
    complexity="O(1) for each key",
    summary="Lets the next EXEC run nothing if one of the keys is changed before it.",
    syntax="key [key ...]",
)
def watch(context: Context, argv: list[bytes]) -> None:
    transaction = context.session.transaction
    if transaction.active:
        raise CommandError(b"ERR WATCH inside MULTI is not allowed")
    # Once a key was changed no other can make it worse.
    if not transaction.watcher.dirty:
        for key in argv[1:]:
            transaction.watch(int(context.db.index), key, context.db.is_expired(key))
    context.reply.ok()


@transactions.command(
    "unwatch",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
    acl="transaction",
    since="2.2.0",
    complexity="O(1)",
    summary="Forgets the watched keys.",
)
def unwatch(context: Context, argv: list[bytes]) -> None:
    context.session.transaction.unwatch()
    context.reply.ok()
