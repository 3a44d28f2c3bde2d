"""Commands of the group *list* that pop from the first of several lists, or move an element between two lists.

Their blocking forms in `blocking_lists` share what happens once there is an element.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.commands.lists import add_list, elements_removed, list_to_write, pop_several
from pyredmem.commands.popping import SeveralKeys
from pyredmem.engine.command import (
    ACCESS,
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
from pyredmem.keyspace import events
from pyredmem.objects.list import ListObject

list_moves: Final = Group("list")


def is_right(word: bytes) -> bool:
    """Whether the word is RIGHT, which means the tail, and not LEFT."""
    upper = word.upper()
    if upper == b"RIGHT":
        return True
    if upper == b"LEFT":
        return False
    raise CommandError(SYNTAX_ERROR)


def move(
    context: Context, source: bytes, value: ListObject, destination: bytes, from_tail: bool, to_tail: bool
) -> None:
    """Move an element from an end of the list at ``source`` to an end of ``destination``, and reply with it."""
    target = list_to_write(context, destination)
    element = value.encoded.pop(from_tail)
    if target is None:
        target = add_list(context, destination)
    target.push_moved(element, to_tail, context.keyspace.limits)
    context.changed(destination, events.LIST, b"rpush" if to_tail else b"lpush", 0)
    context.reply.bulk(element)
    elements_removed(context, source, value, from_tail, 1)


def _move(context: Context, source: bytes, destination: bytes, from_tail: bool, to_tail: bool) -> None:
    value = list_to_write(context, source)
    if value is None:
        context.reply.null()
    else:
        move(context, source, value, destination, from_tail, to_tail)


@list_moves.command(
    "lmove",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=(key_at(READ_WRITE, ACCESS, DELETE), key_at(READ_WRITE, INSERT, index=2)),
    acl="list",
    since="6.2.0",
    complexity="O(1)",
    summary="Moves an element from an end of a list to an end of another and returns it.",
    syntax="source destination <LEFT | RIGHT> <LEFT | RIGHT>",
)
def lmove(context: Context, argv: list[bytes]) -> None:
    from_tail, to_tail = is_right(argv[3]), is_right(argv[4])
    _move(context, argv[1], argv[2], from_tail, to_tail)


@list_moves.command(
    "rpoplpush",
    arity=3,
    flags=WRITE | DENYOOM,
    keys=(key_at(READ_WRITE, ACCESS, DELETE), key_at(READ_WRITE, INSERT, index=2)),
    acl="list",
    since="1.2.0",
    complexity="O(1)",
    summary="Moves the last element of a list to the head of another and returns it.",
    syntax="source destination",
    deprecated=("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments"),
)
def rpoplpush(context: Context, argv: list[bytes]) -> None:
    _move(context, argv[1], argv[2], True, False)


def several_lists(argv: list[bytes], start: i64) -> SeveralKeys:
    """The arguments of LMPOP and BLMPOP from ``start`` on: the lists, the end, and how many elements to pop."""
    return SeveralKeys(argv, start, b"LEFT", b"RIGHT")


def pop_from_first(context: Context, wanted: SeveralKeys) -> bool:
    """Pop elements from the first list that exists, and reply with its key and them; False if none exists."""
    at_tail = wanted.at_high_end
    for key in wanted.keys:
        value = list_to_write(context, key)
        if value is not None:
            context.reply.array(2)
            context.reply.bulk(key)
            if context.is_recording:
                count = min(wanted.count, int(value.length()))
                context.record_instead([b"RPOP" if at_tail else b"LPOP", key, b"%d" % count])
            pop_several(context, key, value, at_tail, wanted.count)
            return True
    return False


@list_moves.command(
    "lmpop",
    arity=-4,
    flags=WRITE,
    keys=(counted_keys(READ_WRITE, ACCESS, DELETE, index=1),),
    acl="list",
    since="7.0.0",
    complexity="O(N+M) with N keys and M elements in the reply.",
    summary="Removes and returns elements from the first list that exists.",
    syntax="numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
)
def lmpop(context: Context, argv: list[bytes]) -> None:
    if not pop_from_first(context, several_lists(argv, 1)):
        context.reply.null_array()
