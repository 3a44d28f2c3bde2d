"""What is remembered of the keys of a file, to compare another one with it: 32 bytes per key, in a hash table.

The table is flat arrays, of which at most two thirds are used, so a key takes 48 to 96 bytes, and while the table grows
half as much again. The name of a key is not kept, but a digest of 64 bits. So among ten million keys there are two that
are taken for one with a chance of 1 to 400,000.
"""

from __future__ import annotations

from array import array
from typing import Final, NamedTuple

_FIRST_SLOTS: Final = 1024
#: A slot that is not used. A digest of that value counts as 1.
_FREE: Final = 0
#: In place of an expire time: there is none. No key can have this one.
_NEVER: Final = -(1 << 63)
_TYPE_BITS: Final = 4
#: Above the type: whether the other file has the key too. Above that is the size.
_MARK: Final = 1 << _TYPE_BITS
_SIZE_SHIFT: Final = _TYPE_BITS + 1


class KnownKey(NamedTuple):
    """What is remembered of a key."""

    type: int  # a small number
    content: int  # the digest of its value
    expire_ms: int | None
    size: int  # bytes


class KnownKeys:
    """Keys by the digests of their names."""

    def __init__(self) -> None:
        self._count = 0
        #: How many keys are marked.
        self.marked = 0
        self._make(_FIRST_SLOTS)

    def _make(self, slots: int) -> None:
        self._slots = slots
        self._names = array("Q", bytes(8 * slots))
        self._contents = array("Q", bytes(8 * slots))
        self._times = array("q", bytes(8 * slots))
        self._kinds = array("Q", bytes(8 * slots))  # type, mark and size

    def __len__(self) -> int:
        return self._count

    def _slot(self, name: int) -> int:
        """Where a name is, or the free slot where it belongs."""
        names = self._names
        last = self._slots - 1
        slot = name & last
        while names[slot] not in (_FREE, name):
            slot = slot + 1 & last
        return slot

    def add(self, name: int, key: KnownKey) -> None:
        """Remember a key, which must be new."""
        if 3 * self._count >= 2 * self._slots:
            self._grow()
        name = name or 1
        slot = self._slot(name)
        self._count += self._names[slot] == _FREE
        self._names[slot] = name
        self._contents[slot] = key.content
        self._times[slot] = _NEVER if key.expire_ms is None else key.expire_ms
        self._kinds[slot] = key.size << _SIZE_SHIFT | key.type

    def _grow(self) -> None:
        names, contents, times, kinds = self._names, self._contents, self._times, self._kinds
        self._make(2 * self._slots)
        for at, name in enumerate(names):
            if name != _FREE:
                slot = self._slot(name)
                self._names[slot] = name
                self._contents[slot] = contents[at]
                self._times[slot] = times[at]
                self._kinds[slot] = kinds[at]

    def get(self, name: int) -> KnownKey | None:
        """What is remembered of a key; None if it is not known."""
        slot = self._slot(name or 1)
        if self._names[slot] == _FREE:
            return None
        kind, time = self._kinds[slot], self._times[slot]
        expire_ms = None if time == _NEVER else time
        return KnownKey(kind & _MARK - 1, self._contents[slot], expire_ms, kind >> _SIZE_SHIFT)

    def mark(self, name: int) -> None:
        """Mark a key that is known."""
        slot = self._slot(name or 1)
        self.marked += not self._kinds[slot] & _MARK
        self._kinds[slot] |= _MARK

    def is_marked(self, name: int) -> bool:
        """Whether a key that is known is marked."""
        return self._kinds[self._slot(name or 1)] & _MARK != 0
