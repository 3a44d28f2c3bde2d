"""How many keys of each type have which size: INFO keysizes of Redis 8.2, kept up to date with each write.

A size is the length of a string in bytes, or the number of elements of a collection; streams are not counted. Sizes are
rounded down to a power of two.

Most commands change a value that the database has handed to them, and do not say when they have finished. So such a
value is *open*: it is not counted at all until it is closed, which happens when others have been opened since, or when
somebody asks. No command changes more than ``_MOST_OPEN`` values at the same time.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from pyredmem.objects.collection import Collection
from pyredmem.objects.hash import HashObject
from pyredmem.objects.list import ListObject
from pyredmem.objects.object import RedisObject
from pyredmem.objects.set import SetObject
from pyredmem.objects.sorted_set import SortedSetObject
from pyredmem.objects.string import StringObject

#: Kinds of values, in the order of INFO.
STRINGS: Final = 0
LISTS: Final = 1
SETS: Final = 2
SORTED_SETS: Final = 3
HASHES: Final = 4
KINDS: Final = 5
_NOT_COUNTED: Final = -1

#: The first bin is for size 0, the others for a power of two each.
_BINS: Final = 64
_ZEROS: Final = vec[i64]([0] * (KINDS * _BINS))  # to be copied
_MOST_OPEN: Final = 4


def kind_of(value: RedisObject) -> i64:
    """The kind of a value, -1 for a stream."""
    if isinstance(value, StringObject):
        return STRINGS
    if isinstance(value, HashObject):
        return HASHES
    if isinstance(value, ListObject):
        return LISTS
    if isinstance(value, SetObject):
        return SETS
    return SORTED_SETS if isinstance(value, SortedSetObject) else _NOT_COUNTED


def size_of(value: RedisObject) -> i64:
    """The size of a value that is counted."""
    if isinstance(value, StringObject):
        return value.length()
    assert isinstance(value, Collection)
    return value.length()


def _bin(size: i64) -> i64:
    """0 for size 0, otherwise one more than the exponent of the power of two."""
    found: i64 = 0
    while size >= 16:
        size >>= 4
        found += 4
    while size > 0:
        size >>= 1
        found += 1
    return found


@mypyc_attr(acyclic=True)
class KeySizes:
    """The sizes of the keys of one database."""

    def __init__(self) -> None:
        # Both are made when they are first needed: most databases never have a key.
        self._counts: vec[i64] = vec[i64]()
        self._open: list[RedisObject] | None = None

    def clear(self) -> None:
        """There are no keys any more."""
        self._counts = vec[i64]()
        self._open = None

    def count_all(self, values: list[RedisObject]) -> None:
        """The keys have these values, and no others any more."""
        self.clear()
        for value in values:
            self._count(value, 1)

    # Strings in the heap, whose sizes are known at each change.

    def add_string(self, size: i64) -> None:
        """Count a new string."""
        self._change(STRINGS, size, 1)

    def remove_string(self, size: i64) -> None:
        """A string is gone."""
        self._change(STRINGS, size, -1)

    def resize_string(self, old: i64, new: i64) -> None:
        """A string has another size."""
        if old != new:
            self.remove_string(old)
            self.add_string(new)

    # Objects.

    def add(self, value: RedisObject) -> None:
        """Count a new value, which is open, as its command may go on to fill it."""
        if kind_of(value) != _NOT_COUNTED and not self._is_open(value):
            self._begin(value)

    def open(self, value: RedisObject) -> None:
        """A command is about to change a value that was counted."""
        kind = kind_of(value)
        if kind != _NOT_COUNTED and not self._is_open(value):
            self._change(kind, size_of(value), -1)
            self._begin(value)

    def remove(self, value: RedisObject) -> None:
        """A value is gone."""
        if not self._end(value):
            self._count(value, -1)

    def close(self, value: RedisObject, successor: RedisObject) -> None:
        """Nobody changes a value any more; ``successor``, which may be itself, has its content now."""
        if self._end(value):
            self._count(successor, 1)

    def _is_open(self, value: RedisObject) -> bool:
        opened = self._open
        if opened is not None:
            for other in opened:
                if other is value:
                    return True
        return False

    def _begin(self, value: RedisObject) -> None:
        """Let a value be open, and close the one that has been open for longest if there are many."""
        opened = self._open
        if opened is None:
            self._open = [value]
            return
        if len(opened) == _MOST_OPEN:
            self._count(opened.pop(0), 1)
        opened.append(value)

    def _end(self, value: RedisObject) -> bool:
        """Let a value be open no more; False if it was not."""
        opened = self._open
        if opened is not None:
            for place, other in enumerate(opened):
                if other is value:
                    del opened[place]
                    return True
        return False

    def _count(self, value: RedisObject, change: i64) -> None:
        kind = kind_of(value)
        if kind != _NOT_COUNTED:
            self._change(kind, size_of(value), change)

    def _change(self, kind: i64, size: i64, change: i64) -> None:
        if len(self._counts) == 0:
            self._counts = _ZEROS[:]
        place: i64 = kind * _BINS + _bin(size)
        self._counts[place] = self._counts[place] + change

    # For those who ask.

    def by_size(self, kind: i64) -> dict[int, int]:
        """The number of keys of one kind by their size, rounded down."""
        for value in self._open or ():
            self._count(value, 1)
        self._open = None
        if len(self._counts) == 0:
            return {}
        counts = [int(self._counts[kind * _BINS + place]) for place in range(_BINS)]
        return {1 << place >> 1: count for place, count in enumerate(counts) if count != 0}
