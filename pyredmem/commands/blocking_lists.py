"""Commands of the group *list* that block the client until there is an element.

A handler first tries like its non-blocking form. If the lists are empty, the client is blocked, and the handler runs
again when one of its keys gets an element.
"""

from __future__ import annotations

from typing import Final

from pyredmem.commands.list_moves import is_right, move, pop_from_first, several_lists
from pyredmem.commands.lists import list_to_write, pop_one
from pyredmem.commands.popping import FRACTIONAL_TIMEOUT
from pyredmem.engine.arguments import deadline_of_seconds
from pyredmem.engine.command import (
    ACCESS,
    BLOCKING,
    DELETE,
    DENYOOM,
    INSERT,
    READ_WRITE,
    WRITE,
    Group,
    counted_keys,
    key_at,
)
from pyredmem.engine.context import Context

blocking_lists: Final = Group("list")

_TYPE: Final = b"list"


def _pop_or_block(context: Context, argv: list[bytes], at_tail: bool) -> None:
    deadline_ms = deadline_of_seconds(argv[-1], context.keyspace.now_ms())
    keys = argv[1:-1]
    for key in keys:
        value = list_to_write(context, key)
        if value is not None:
            context.reply.array(2)
            context.reply.bulk(key)
            pop_one(context, key, value, at_tail)
            if context.is_recording:
                context.record_instead([b"RPOP" if at_tail else b"LPOP", key])
            return
    context.block(argv, keys, _TYPE, deadline_ms)


@blocking_lists.command(
    "blpop",
    arity=-3,
    flags=WRITE | BLOCKING,
    keys=(key_at(READ_WRITE, ACCESS, DELETE, last=-2),),
    acl="list",
    since="2.0.0",
    complexity="O(N) with N keys.",
    summary="Removes and returns the first element of the first list that exists; blocks until there is one.",
    syntax="key [key ...] timeout:double",
    history=FRACTIONAL_TIMEOUT,
)
def blpop(context: Context, argv: list[bytes]) -> None:
    _pop_or_block(context, argv, False)


@blocking_lists.command(
    "brpop",
    arity=-3,
    flags=WRITE | BLOCKING,
    keys=(key_at(READ_WRITE, ACCESS, DELETE, last=-2),),
    acl="list",
    since="2.0.0",
    complexity="O(N) with N keys.",
    summary="Removes and returns the last element of the first list that exists; blocks until there is one.",
    syntax="key [key ...] timeout:double",
    history=FRACTIONAL_TIMEOUT,
)
def brpop(context: Context, argv: list[bytes]) -> None:
    _pop_or_block(context, argv, True)


def _move_or_block(context: Context, argv: list[bytes], from_tail: bool, to_tail: bool, instead: bytes) -> None:
    """Run BLMOVE or BRPOPLPUSH; ``instead`` is the command to record, which does the same without blocking."""
    deadline_ms = deadline_of_seconds(argv[-1], context.keyspace.now_ms())
    source = argv[1]
    value = list_to_write(context, source)
    if value is None:
        context.block(argv, [source], _TYPE, deadline_ms, denied_null=True)
    else:
        move(context, source, value, argv[2], from_tail, to_tail)
        if context.is_recording:
            context.record_instead([instead, *argv[1:-1]])


@blocking_lists.command(
    "blmove",
    arity=6,
    flags=WRITE | DENYOOM | BLOCKING,
    keys=(key_at(READ_WRITE, ACCESS, DELETE), key_at(READ_WRITE, INSERT, index=2)),
    acl="list",
    since="6.2.0",
    complexity="O(1)",
    summary="Moves an element from an end of a list to an end of another and returns it; blocks until there is one.",
    syntax="source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout:double",
)
def blmove(context: Context, argv: list[bytes]) -> None:
    from_tail, to_tail = is_right(argv[3]), is_right(argv[4])
    _move_or_block(context, argv, from_tail, to_tail, b"LMOVE")


@blocking_lists.command(
    "brpoplpush",
    arity=4,
    flags=WRITE | DENYOOM | BLOCKING,
    keys=(key_at(READ_WRITE, ACCESS, DELETE), key_at(READ_WRITE, INSERT, index=2)),
    acl="list",
    since="2.2.0",
    complexity="O(1)",
    summary="Moves the last element of a list to the head of another list and returns it; blocks until there is one.",
    syntax="source destination timeout:double",
    history=FRACTIONAL_TIMEOUT,
    deprecated=("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments"),
)
def brpoplpush(context: Context, argv: list[bytes]) -> None:
    _move_or_block(context, argv, True, False, b"RPOPLPUSH")


@blocking_lists.command(
    "blmpop",
    arity=-5,
    flags=WRITE | BLOCKING,
    keys=(counted_keys(READ_WRITE, ACCESS, DELETE, index=2),),
    acl="list",
    since="7.0.0",
    complexity="O(N+M) with N keys and M elements in the reply.",
    summary="Removes and returns elements from the first list that exists; blocks until there is one.",
    syntax="timeout:double numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
)
def blmpop(context: Context, argv: list[bytes]) -> None:
    wanted = several_lists(argv, 2)
    deadline_ms = deadline_of_seconds(argv[1], context.keyspace.now_ms())
    if not pop_from_first(context, wanted):
        context.block(argv, wanted.keys, _TYPE, deadline_ms)
