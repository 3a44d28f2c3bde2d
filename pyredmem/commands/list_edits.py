"""Commands of the group *list* that search for elements and change lists in the middle."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import NO_SUCH_KEY, SYNTAX_ERROR, CommandError
from pyredmem.base.numbers import INT64_MAX, INT64_MIN
from pyredmem.commands.counts import at_least
from pyredmem.commands.lists import index_range, list_to_read, list_to_write
from pyredmem.engine.arguments import Arguments, integer
from pyredmem.engine.command import (
    ACCESS,
    DELETE,
    DENYOOM,
    INSERT,
    READ_ONLY,
    READ_WRITE,
    READONLY,
    UPDATE,
    WRITE,
    Group,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.bits import as_signed
from pyredmem.objects.list import ListObject

list_edits: Final = Group("list")

_INDEX_OUT_OF_RANGE: Final = b"ERR index out of range"
_RANK_ZERO: Final = (
    b"ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start "
    b"from the end of the list"
)
_COUNT_NEGATIVE: Final = b"ERR COUNT can't be negative"
_MAXLEN_NEGATIVE: Final = b"ERR MAXLEN can't be negative"


@list_edits.command(
    "lset",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="list",
    since="1.0.0",
    complexity="O(N) with N nodes between the nearer end and the index; O(1) at the ends.",
    summary="Sets the element at an index of a list.",
    syntax="key index element",
)
def lset(context: Context, argv: list[bytes]) -> None:
    value = list_to_write(context, argv[1])
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    index = as_signed(integer(argv[2]) & 0xFFFFFFFF, 32)  # Redis 7.2 takes the low 32 bits (t_list.c)
    if not value.replace(index, argv[3], context.keyspace.limits):
        raise CommandError(_INDEX_OUT_OF_RANGE)
    context.reply.ok()
    context.changed(argv[1], events.LIST, b"lset")


@list_edits.command(
    "linsert",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=(key_at(READ_WRITE, INSERT),),
    acl="list",
    since="2.2.0",
    complexity="O(N) with N elements before the pivot.",
    summary="Inserts an element before or after the first element that equals the pivot.",
    syntax="key <BEFORE | AFTER> pivot element",
)
def linsert(context: Context, argv: list[bytes]) -> None:
    """The reply is -1 if the pivot is not found; even then a listpack may have become a quicklist."""
    where = argv[2].upper()
    if where not in {b"BEFORE", b"AFTER"}:
        raise CommandError(SYNTAX_ERROR)
    value = list_to_write(context, argv[1])
    if value is None:
        context.reply.integer(0)
        return
    if not value.insert(argv[3], argv[4], where == b"AFTER", context.keyspace.limits):
        context.reply.integer(-1)
        return
    context.reply.integer(value.length())
    context.changed(argv[1], events.LIST, b"linsert")


def _removed(context: Context, key: bytes, value: ListObject, event: bytes, changes: i64) -> None:
    """Notify of removed elements; an empty list is deleted, one with few elements becomes a listpack again."""
    is_emptied = value.length() == 0
    context.removed(key, events.LIST, event, changes, is_emptied)
    if not is_emptied:
        value.shrink(context.keyspace.limits)


@list_edits.command(
    "lrem",
    arity=4,
    flags=WRITE,
    keys=(key_at(READ_WRITE, DELETE),),
    acl="list",
    since="1.0.0",
    complexity="O(N+M) with N elements in the list and M removed elements.",
    summary="Removes elements that equal the given one: all, or the first ones from the head or the tail.",
    syntax="key count element",
)
def lrem(context: Context, argv: list[bytes]) -> None:
    """At most ``count`` elements are removed, from the tail if it is negative; all of them if it is 0."""
    count = integer(argv[2])
    if count == INT64_MIN and context.engine.profile.has_strict_lrem_count:
        raise errors.not_between(-INT64_MAX, INT64_MAX)
    value = list_to_write(context, argv[1])
    if value is None:
        context.reply.integer(0)
        return
    most: i64 = min(abs(count), INT64_MAX) if count != 0 else INT64_MAX
    removed = value.encoded.remove(argv[3], most, count < 0)
    context.reply.integer(removed)
    if removed > 0:
        _removed(context, argv[1], value, b"lrem", removed)


@list_edits.command(
    "ltrim",
    arity=4,
    flags=WRITE,
    keys=(key_at(READ_WRITE, DELETE),),
    acl="list",
    since="1.0.0",
    complexity="O(N) with N removed elements.",
    summary="Removes the elements of a list outside a range of indexes.",
    syntax="key start stop",
)
def ltrim(context: Context, argv: list[bytes]) -> None:
    start: i64 = integer(argv[2])
    stop: i64 = integer(argv[3])
    value = list_to_write(context, argv[1])
    if value is None:
        context.reply.ok()
        return
    length = value.length()
    before, kept = index_range(start, stop, length)
    after: i64 = length - before - kept
    value.encoded.delete(0, before)
    value.encoded.delete(kept, after)
    _removed(context, argv[1], value, b"ltrim", before + after)
    context.reply.ok()


# LPOS.


class _Search:
    """What LPOS searches for, and the places that it has found."""

    def __init__(self, argv: list[bytes]) -> None:
        self.element = argv[2]
        self.rank: i64 = 1
        self.count: i64 = -1  # -1: reply with one place instead of an array
        self.most_compared: i64 = 0
        self.places: list[int] = []
        self._to_skip: i64 = 0
        self._read_options(Arguments(argv, 3))

    def _read_options(self, arguments: Arguments) -> None:
        while arguments.left() > 0:
            option = arguments.word()
            if arguments.left() == 0:
                raise CommandError(SYNTAX_ERROR)
            if option == b"RANK":
                rank = arguments.integer()
                if rank < -INT64_MAX:
                    raise errors.not_between(-INT64_MAX, INT64_MAX)
                if rank == 0:
                    raise CommandError(_RANK_ZERO)
                self.rank = rank
            elif option == b"COUNT":
                self.count = at_least(0, arguments.next(), _COUNT_NEGATIVE)
            elif option == b"MAXLEN":
                self.most_compared = at_least(0, arguments.next(), _MAXLEN_NEGATIVE)
            else:
                raise CommandError(SYNTAX_ERROR)

    def run(self, value: ListObject) -> None:
        """Walk over the nodes of a list from one end, until enough places are found or enough elements compared."""
        backwards = self.rank < 0
        self._to_skip = (-self.rank if backwards else self.rank) - 1
        length = value.length()
        left: i64 = self.most_compared
        if left == 0 or left > length:
            left = length
        passed: i64 = 0
        encoded = value.encoded
        node = encoded.last_node() if backwards else encoded.first_node()
        while node is not None and left > 0:
            count = node.count()
            compared: i64 = min(count, left)
            items = node.elements(count - compared, count) if backwards else node.elements(0, compared)
            if self.element in items:
                if backwards:
                    items.reverse()
                if self._note(items, length - 1 - passed if backwards else passed, -1 if backwards else 1):
                    return
            passed += count
            left -= compared
            following = node.previous if backwards else node.next
            encoded.leave(node)
            node = following

    def _note(self, items: list[bytes], place: i64, step: i64) -> bool:
        """Note the places of the matches among ``items``, whose first has ``place``; True when there are enough."""
        wanted: i64 = 1 if self.count < 0 else self.count
        for item in items:
            if item == self.element:
                if self._to_skip > 0:
                    self._to_skip -= 1
                else:
                    self.places.append(place)
                    if len(self.places) == wanted:
                        return True
            place += step
        return False


@list_edits.command(
    "lpos",
    arity=-3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="list",
    since="6.0.6",
    complexity="O(N) with N compared elements, at most MAXLEN.",
    summary="Returns the indexes of elements that equal the given one.",
    syntax="key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
)
def lpos(context: Context, argv: list[bytes]) -> None:
    search = _Search(argv)
    value = list_to_read(context, argv[1])
    if value is not None:
        search.run(value)
    reply = context.reply
    if search.count >= 0:
        reply.array(len(search.places))
        for place in search.places:
            reply.integer(place)
    elif search.places:
        reply.integer(search.places[0])
    else:
        reply.null()
