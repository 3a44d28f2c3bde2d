"""Commands of the group *list* that work on the ends of a list and read it.

:func:`elements_removed` is what follows after every removal: the events, and the end of a list that became empty.
What changes a list in the middle is in `list_edits`, moving between lists in `list_moves`, waiting for elements in
`blocking_lists`.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import MUST_BE_POSITIVE, WRONG_TYPE, CommandError
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
_COUNT_ARGUMENT: Final = (("6.2.0", "Argument `count`."),)


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
    """A new list under a key that is not there; elements are to come."""
    made = new_list(context.keyspace.allocator)
    context.db.add(key, made)
    return made


def elements_removed(context: Context, key: bytes, value: ListObject, at_tail: bool, count: i64) -> None:
    """Tell that elements were taken from an end; a list without any goes, one with few becomes compact."""
    context.changed(key, events.LIST, b"rpop" if at_tail else b"lpop", count)
    if value.length() == 0:
        context.delete_emptied(key)
    else:
        value.shrink(context.keyspace.limits)


def pop_one(context: Context, key: bytes, value: ListObject, at_tail: bool) -> None:
    """Take the element at an end out and reply with it."""
    context.reply.bulk(value.encoded.pop(at_tail))
    elements_removed(context, key, value, at_tail, 1)


def pop_several(context: Context, key: bytes, value: ListObject, at_tail: bool, count: i64) -> None:
    """Take up to ``count`` elements from an end and reply with them, the outermost first."""
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
    context.reply.integer(value.length())
    context.changed(key, events.LIST, b"rpush" if at_tail else b"lpush", len(argv) - 2)


@lists.command(
    "lpush",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, INSERT),),
    acl="list",
    since="1.0.0",
    complexity=_PER_ADDED_ELEMENT,
    summary="Adds elements at the head of a list; creates the list if there is none.",
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
    summary="Adds elements at the tail of a list; creates the list if there is none.",
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
    summary="Adds elements at the head of a list that exists.",
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
    summary="Adds elements at the tail of a list that exists.",
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
    count = integer(argv[2], MUST_BE_POSITIVE)
    if count < 0:
        raise CommandError(MUST_BE_POSITIVE)
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
    summary="Takes elements from the head of a list and gives them.",
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
    summary="Takes elements from the tail of a list and gives them.",
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
    summary="Gives the length of a list.",
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
    summary="Gives the element of a list at an index; negative ones count from the tail.",
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
    summary="Gives the elements of a list from one index to another.",
    syntax="key start stop",
)
def lrange(context: Context, argv: list[bytes]) -> None:
    """Both ends belong to the range, negative ones count from the tail."""
    start: i64 = integer(argv[2])
    stop: i64 = integer(argv[3])
    value = list_to_read(context, argv[1])
    if value is None:
        context.reply.array(0)
        return
    length = value.length()
    if start < 0:
        start += length
        if start < 0:
            start = 0
    if stop < 0:
        stop += length
    if stop >= length:
        stop = length - 1
    if start > stop:
        context.reply.array(0)
    else:
        context.reply.bulks(value.encoded.elements(start, stop - start + 1))
