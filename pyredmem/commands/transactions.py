"""Commands of the group *transactions*: MULTI, EXEC, DISCARD, WATCH, UNWATCH.

Between MULTI and EXEC the dispatcher queues commands (engine/dispatch.py); if it had to refuse one, EXEC discards the
transaction. EXEC runs all queued commands at one time: the clock of the keyspace stands still until the last reply.
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
    summary="Starts a transaction: the following commands are queued until EXEC.",
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
    summary="Runs the queued commands of the transaction, unless a watched key has changed.",
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
    access = context.engine.access
    for queued in queue:
        message = access.refusal_at_exec(session, queued.command, queued.argv)
        if message is None:
            context.runner.call(context, queued.command, queued.argv)
        else:
            context.engine.stats.count_error(message)
            context.reply.error(message)
    session.end_transaction()


def _is_stale(context: Context) -> bool:
    """Whether a watched key was changed or has expired since WATCH."""
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
    summary="Discards the transaction and its queued commands.",
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
    summary="Watches keys: if one of them changes before EXEC, the transaction is discarded.",
    syntax="key [key ...]",
)
def watch(context: Context, argv: list[bytes]) -> None:
    transaction = context.session.transaction
    if transaction.active:
        raise CommandError(b"ERR WATCH inside MULTI is not allowed")
    # Once a watched key has changed, watching more makes no difference.
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
    summary="Stops watching all keys.",
)
def unwatch(context: Context, argv: list[bytes]) -> None:
    context.session.transaction.unwatch()
    context.reply.ok()
