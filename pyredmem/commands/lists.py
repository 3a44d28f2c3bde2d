"""Commands of the group *list* that push, pop and read.

Every pop ends with :func:`elements_removed`, which notifies and deletes an empty list. `list_edits` changes lists in
the middle, `list_moves` moves elements between lists, and `blocking_lists` waits for elements.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import MUST_BE_POSITIVE, WRONG_TYPE, CommandError
from pyredmem.commands.counts import at_least
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import (
    ACCESS,
    DELETE,
    DENYOOM,
    FAST,
    INSERT,
    READ_ONLY,
    READ_WRITE,
    READONLY,
    WRITE,
    Group,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.list import ListObject, new_list

lists: Final = Group("list")

_PER_ADDED_ELEMENT: Final = "O(1) for each element."
_SEVERAL_ELEMENTS: Final = "Accepts multiple `element` arguments."
_COUNT_ARGUMENT: Final = (("6.2.0", "Added the `count` argument."),)


def list_to_read(context: Context, key: bytes) -> ListObject | None:
    """The list of a key for a command that reads it; None if there is no such key."""
    value = context.db.read(key)
    if value is None or isinstance(value, ListObject):
        return value
    raise CommandError(WRONG_TYPE)


def list_to_write(context: Context, key: bytes) -> ListObject | None:
    """The list of a key for a command that changes it; None if there is no such key."""
    value = context.db.write(key)
    if value is None or isinstance(value, ListObject):
        return value
    raise CommandError(WRONG_TYPE)


def add_list(context: Context, key: bytes) -> ListObject:
    """Create an empty list under a key that does not exist; the caller adds elements to it."""
    made = new_list(context.keyspace.allocator)
    context.db.add(key, made)
    return made


def elements_removed(context: Context, key: bytes, value: ListObject, at_tail: bool, count: i64) -> None:
    """Notify of popped elements; an empty list is deleted, one with few elements becomes a listpack again."""
    is_emptied = value.encoded.length() == 0
    context.removed(key, events.LIST, b"rpop" if at_tail else b"lpop", count, is_emptied)
    if not is_emptied:
        value.shrink(context.keyspace.limits)


def pop_one(context: Context, key: bytes, value: ListObject, at_tail: bool) -> None:
    """Pop one element and reply with it."""
    context.reply.bulk(value.encoded.pop(at_tail))
    elements_removed(context, key, value, at_tail, 1)


def pop_several(context: Context, key: bytes, value: ListObject, at_tail: bool, count: i64) -> None:
    """Pop at most ``count`` elements and reply with them, the outermost first."""
    length = value.length()
    if count > length:
        count = length
    start: i64 = length - count if at_tail else 0
    popped = value.encoded.elements(start, count)
    if at_tail:
        popped.reverse()
    context.reply.bulks(popped)
    value.encoded.delete(start, count)
    elements_removed(context, key, value, at_tail, count)


# Pushing.


def _push(context: Context, argv: list[bytes], at_tail: bool, create: bool) -> None:
    key = argv[1]
    value = list_to_write(context, key)
    if value is None:
        if not create:
            context.reply.integer(0)
            return
        value = add_list(context, key)
    limits = context.keyspace.limits
    if len(argv) == 3:
        value.push(argv[2], at_tail, limits)
    else:
        value.push_arguments(argv, at_tail, limits)
    context.reply.integer(value.encoded.length())
    context.changed(key, events.LIST, b"rpush" if at_tail else b"lpush", len(argv) - 2)


@lists.command(
    "lpush",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, INSERT),),
    acl="list",
    since="1.0.0",
    complexity=_PER_ADDED_ELEMENT,
    summary="Adds elements to the head of a list; creates the list if it does not exist.",
    syntax="key element [element ...]",
    history=(("2.4.0", _SEVERAL_ELEMENTS),),
)
def lpush(context: Context, argv: list[bytes]) -> None:
    _push(context, argv, False, True)


@lists.command(
    "rpush",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, INSERT),),
    acl="list",
    since="1.0.0",
    complexity=_PER_ADDED_ELEMENT,
    summary="Adds elements to the tail of a list; creates the list if it does not exist.",
    syntax="key element [element ...]",
    history=(("2.4.0", _SEVERAL_ELEMENTS),),
)
def rpush(context: Context, argv: list[bytes]) -> None:
    _push(context, argv, True, True)


@lists.command(
    "lpushx",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, INSERT),),
    acl="list",
    since="2.2.0",
    complexity=_PER_ADDED_ELEMENT,
    summary="Adds elements to the head of a list, if the list exists.",
    syntax="key element [element ...]",
    history=(("4.0.0", _SEVERAL_ELEMENTS),),
)
def lpushx(context: Context, argv: list[bytes]) -> None:
    _push(context, argv, False, False)


@lists.command(
    "rpushx",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, INSERT),),
    acl="list",
    since="2.2.0",
    complexity=_PER_ADDED_ELEMENT,
    summary="Adds elements to the tail of a list, if the list exists.",
    syntax="key element [element ...]",
    history=(("4.0.0", _SEVERAL_ELEMENTS),),
)
def rpushx(context: Context, argv: list[bytes]) -> None:
    _push(context, argv, True, False)


# Popping.


def _pop(context: Context, argv: list[bytes], at_tail: bool) -> None:
    if len(argv) > 2:
        _pop_counted(context, argv, at_tail)
        return
    key = argv[1]
    value = list_to_write(context, key)
    if value is None:
        context.reply.null()
    else:
        pop_one(context, key, value, at_tail)


def _pop_counted(context: Context, argv: list[bytes], at_tail: bool) -> None:
    if len(argv) > 3:
        raise errors.wrong_arity(b"rpop" if at_tail else b"lpop")
    count = at_least(0, argv[2], MUST_BE_POSITIVE)
    value = list_to_write(context, argv[1])
    if value is None:
        context.reply.null_array()
    elif count == 0:
        context.reply.array(0)
    else:
        pop_several(context, argv[1], value, at_tail, count)


@lists.command(
    "lpop",
    arity=-2,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, ACCESS, DELETE),),
    acl="list",
    since="1.0.0",
    complexity="O(N) with N elements in the reply.",
    summary="Removes and returns elements from the head of a list.",
    syntax="key [count]",
    history=_COUNT_ARGUMENT,
)
def lpop(context: Context, argv: list[bytes]) -> None:
    _pop(context, argv, False)


@lists.command(
    "rpop",
    arity=-2,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, ACCESS, DELETE),),
    acl="list",
    since="1.0.0",
    complexity="O(N) with N elements in the reply.",
    summary="Removes and returns elements from the tail of a list.",
    syntax="key [count]",
    history=_COUNT_ARGUMENT,
)
def rpop(context: Context, argv: list[bytes]) -> None:
    _pop(context, argv, True)


# Reading.


@lists.command(
    "llen",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY),),
    acl="list",
    since="1.0.0",
    complexity="O(1)",
    summary="Returns the length of a list.",
    syntax="key",
)
def llen(context: Context, argv: list[bytes]) -> None:
    value = list_to_read(context, argv[1])
    context.reply.integer(0 if value is None else value.length())


@lists.command(
    "lindex",
    arity=3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="list",
    since="1.0.0",
    complexity="O(N) with N nodes between the nearer end and the index; O(1) at the ends.",
    summary="Returns the element at an index of a list; negative indexes count from the tail.",
    syntax="key index",
)
def lindex(context: Context, argv: list[bytes]) -> None:
    value = list_to_read(context, argv[1])
    if value is None:
        context.reply.null()
        return
    index: i64 = integer(argv[2])
    length = value.length()
    if index < 0:
        index += length
    if 0 <= index < length:
        context.reply.bulk(value.encoded.at(index))
    else:
        context.reply.null()


@lists.command(
    "lrange",
    arity=4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="list",
    since="1.0.0",
    complexity="O(S+N) with S nodes between the nearer end and the start, and N elements in the reply.",
    summary="Returns the elements in a range of indexes of a list.",
    syntax="key start stop",
)
def lrange(context: Context, argv: list[bytes]) -> None:
    start: i64 = integer(argv[2])
    stop: i64 = integer(argv[3])
    value = list_to_read(context, argv[1])
    if value is None:
        context.reply.array(0)
        return
    first, count = index_range(start, stop, value.length())
    if count == 0:
        context.reply.array(0)
    else:
        context.reply.bulks(value.encoded.elements(first, count))


def index_range(start: i64, stop: i64, length: i64) -> tuple[i64, i64]:
    """The first index and the number of elements from ``start`` to ``stop``, both inclusive, negative from the tail.

    An empty range begins after the last element.
    """
    if start < 0:
        start = max(start + length, 0)
    if stop < 0:
        stop += length
    if stop >= length:
        stop = length - 1
    if start > stop:
        return length, 0
    return start, stop - start + 1
