"""The commands that make a value, for a server without the key: an element is added to what is there.

Not everything can be had by commands:

* in streams: the entries that were deleted, the times at which consumers were seen, and pending entries whose entry has
  been deleted;
* encodings: a value that has shrunk becomes as compact as the limits of the server allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import singledispatch
from math import copysign
from typing import Final

from pyredmem.base.double_text import format_double
from pyredmem.objects.hash import HashObject
from pyredmem.objects.list import ListObject
from pyredmem.objects.object import RedisObject
from pyredmem.objects.set import SetObject
from pyredmem.objects.sorted_set import SortedSetObject
from pyredmem.objects.stream import Stream, StreamObject
from pyredmem.objects.stream_group import StreamGroup, entries_from
from pyredmem.objects.stream_id import MAX_ID, id_text
from pyredmem.objects.string import StringObject

Command = list[bytes]

#: How many elements one command has at most.
MOST_ELEMENTS: Final = 512


def _in_pieces(name: bytes, key: bytes, words: list[bytes], words_each: int = 1) -> Iterator[Command]:
    """Commands that add all of ``words`` to a key; an element has ``words_each`` of them."""
    step = MOST_ELEMENTS * words_each
    for start in range(0, len(words), step):
        yield [name, key, *words[start : start + step]]


def _flat(pairs: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    return [word for pair in pairs for word in pair]


@singledispatch
def commands(value: RedisObject, key: bytes) -> Iterator[Command]:
    """The commands that make a value."""
    raise NotImplementedError


@commands.register
def _of_string(value: StringObject, key: bytes) -> Iterator[Command]:
    yield [b"SET", key, value.data()]


@commands.register
def _of_list(value: ListObject, key: bytes) -> Iterator[Command]:
    yield from _in_pieces(b"RPUSH", key, value.elements())


@commands.register
def _of_set(value: SetObject, key: bytes) -> Iterator[Command]:
    yield from _in_pieces(b"SADD", key, value.members())


@commands.register
def _of_sorted_set(value: SortedSetObject, key: bytes) -> Iterator[Command]:
    # -0 comes last: a skiplist keeps it, but a listpack, as which the set begins, makes it 0.
    items = sorted(value.items(), key=_is_negative_zero)
    words = _flat([(format_double(score), member) for member, score in items])
    yield from _in_pieces(b"ZADD", key, words, 2)


def _is_negative_zero(item: tuple[bytes, float]) -> bool:
    score = item[1]
    return score == 0 and copysign(1, score) < 0


@commands.register
def _of_hash(value: HashObject, key: bytes) -> Iterator[Command]:
    yield from _in_pieces(b"HSET", key, _flat(value.items()), 2)
    if value.times is not None:
        for field, when_ms in value.times.when.items():
            yield [b"HPEXPIREAT", key, b"%d" % when_ms, b"FIELDS", b"1", field]


@commands.register
def _of_stream(value: StreamObject, key: bytes) -> Iterator[Command]:
    stream = value.stream
    found = stream.range(0, MAX_ID)
    for entry_id, entry in zip(found.ids, found.entries, strict=True):
        yield [b"XADD", key, id_text(entry_id), *entry]
    if not found.ids:
        yield [b"XADD", key, b"MAXLEN", b"0", b"0-1", b"x", b"y"]  # leaves an empty stream
    numbers = [b"ENTRIESADDED", b"%d" % stream.entries_added, b"MAXDELETEDID", id_text(stream.max_deleted_id)]
    yield [b"XSETID", key, id_text(stream.last_id), *numbers]
    for group in stream.group_list():
        yield from _group_commands(stream, group, key)


def _group_commands(stream: Stream, group: StreamGroup, key: bytes) -> Iterator[Command]:
    last_id = id_text(group.last_id)
    yield [b"XGROUP", b"CREATE", key, group.name, last_id, b"ENTRIESREAD", b"%d" % group.entries_read]
    for consumer in group.consumers.values():
        yield [b"XGROUP", b"CREATECONSUMER", key, group.name, consumer.name]
        for entry_id, pending in entries_from(consumer.pending, 0, MAX_ID, -1):
            if stream.entry(entry_id) is not None:
                claim = [b"XCLAIM", key, group.name, consumer.name, b"0", id_text(entry_id)]
                delivery = [b"TIME", b"%d" % pending.delivered_ms, b"RETRYCOUNT", b"%d" % pending.deliveries]
                yield [*claim, *delivery, b"FORCE", b"JUSTID"]
