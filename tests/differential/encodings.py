"""Encodings that differ between 7.2 and the installed 7.0.15.

The older server has no listpacks for sets, and lists are always quicklists. In the newer one the encoding follows from
the value and the limits, and from history: a list becomes a listpack again at half of the limit, a set never does.
So the limits say which encodings are possible, and the largest value that the whole sequence can have made excludes
others. All other encodings must be the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.support.wire import Array, Bulk, Reply, Simple

LIST_SIZES = {-1: 4096, -2: 8192, -3: 16384, -4: 32768, -5: 65536}
LIST_SAFETY_SIZE = 8192  # for a list that is limited by the number of elements
# Commands whose result may be larger than the arguments of the sequence suggest.
GROWING = {b"SORT", b"RESTORE"}
# Commands that create a set; the two versions begin with different encodings.
REMAKING = {b"SINTERSTORE", b"SUNIONSTORE", b"SDIFFSTORE", b"SPOP", b"RESTORE"}
INTEGER = re.compile(rb"-?[1-9][0-9]{0,18}|0")


@dataclass(frozen=True)
class Limits:
    """The settings on which encodings depend."""

    list_size: int = -2
    hash_entries: int = 128
    hash_value: int = 64
    zset_entries: int = 128
    zset_value: int = 64
    intset_entries: int = 512
    set_entries: int = 128
    set_value: int = 64
    stream_bytes: int = 4096
    stream_entries: int = 100
    hll_sparse_bytes: int = 3000

    def shared_settings(self) -> dict[str, str]:
        """The settings of both servers."""
        return {
            "list-max-listpack-size": str(self.list_size),
            "hash-max-listpack-entries": str(self.hash_entries),
            "hash-max-listpack-value": str(self.hash_value),
            "zset-max-listpack-entries": str(self.zset_entries),
            "zset-max-listpack-value": str(self.zset_value),
            "set-max-intset-entries": str(self.intset_entries),
            "stream-node-max-bytes": str(self.stream_bytes),
            "stream-node-max-entries": str(self.stream_entries),
            "hll-sparse-max-bytes": str(self.hll_sparse_bytes),
        }

    def our_settings(self) -> dict[str, str]:
        """The settings that only the newer server has."""
        return {
            "set-max-listpack-entries": str(self.set_entries),
            "set-max-listpack-value": str(self.set_value),
        }


DEFAULT = Limits()
#: Limits so low that short sequences cross every one of them.
LOW = Limits(3, 4, 12, 4, 12, 4, 4, 12, 200, 3, 60)


class Expectation:
    """The encodings that are possible after a sequence."""

    def __init__(self, commands: Iterable[tuple[bytes, ...]], limits: Limits = DEFAULT) -> None:
        self._limits = limits
        listed = [command for command in commands if command]
        names = {command[0].upper() for command in listed}
        lengths = [len(word) for command in listed for word in command[1:]]
        self._words = max(len(lengths), 1)
        self._bytes = sum(lengths) + 11 * len(lengths) + 7
        self._longest = max(lengths, default=0)
        self._most_words = max((len(command) for command in listed), default=0)
        self._bounded = not names & GROWING
        self._remade = bool(names & REMAKING)

    def complaint(self, kind: Reply, value: Reply, theirs: Reply, ours: Reply) -> str | None:
        """What is wrong with our encoding, given theirs; None if nothing is."""
        if not (isinstance(kind, Simple) and isinstance(theirs, Bulk) and isinstance(ours, Bulk)):
            return None if theirs == ours else "different"
        if kind.text == b"list":
            return _not_among(ours, self._lists(_data(value)))
        if kind.text == b"set":
            return _not_among(ours, self._sets(theirs.data, _data(value)))
        if kind.text == b"zset" and self._most_words > self._limits.zset_entries:
            return None  # 7.2 takes the number of arguments for the size to come
        return None if theirs == ours else "different"

    def _lists(self, elements: list[bytes]) -> set[bytes]:
        size = self._limits.list_size
        count_limit = size if size >= 0 else 1 << 62
        bytes_limit = LIST_SIZES[size] if size < 0 else LIST_SAFETY_SIZE
        if len(elements) > count_limit or listpack_bytes(elements) > bytes_limit:
            return {b"quicklist"}
        if self._bounded and self._words <= count_limit and self._bytes <= bytes_limit:
            return {b"listpack"}
        return {b"listpack", b"quicklist"}

    def _sets(self, theirs: bytes, members: list[bytes]) -> set[bytes]:
        limits = self._limits
        hinted = self._most_words > limits.intset_entries  # 7.2 takes the number of arguments for the size to come
        if theirs == b"intset" and not self._remade and not hinted:
            return {b"intset"}
        fits = len(members) <= limits.set_entries and all(len(member) <= limits.set_value for member in members)
        numbers = all(INTEGER.fullmatch(member) for member in members)
        found = {b"intset"} if (self._remade or hinted) and numbers and len(members) <= limits.intset_entries else set()
        if not fits or hinted:
            return found | {b"hashtable"} | ({b"listpack"} if fits else set())
        never_more = self._words <= limits.set_entries and self._longest <= limits.set_value
        return found | ({b"listpack"} if self._bounded and never_more else {b"listpack", b"hashtable"})


def _not_among(ours: Bulk, expected: set[bytes]) -> str | None:
    if ours.data in expected:
        return None
    return f"expected {' or '.join(sorted(name.decode() for name in expected))}"


def _data(value: Reply) -> list[bytes]:
    items = value.items if isinstance(value, Array) else ()
    return [item.data for item in items if isinstance(item, Bulk)]


def listpack_bytes(elements: Iterable[bytes]) -> int:
    """The size of a listpack of these elements, in bytes."""
    return 7 + sum(map(_entry_bytes, elements))


def _entry_bytes(data: bytes) -> int:
    size = _content_bytes(data)
    back = 1
    while size >= 1 << (7 * back):
        back += 1
    return size + back


def _content_bytes(data: bytes) -> int:
    if INTEGER.fullmatch(data) and -(2**63) <= int(data) < 2**63:
        number = int(data)
        if 0 <= number < 128:
            return 1
        bits = (~number if number < 0 else number).bit_length() + 1
        return next(size for size, room in ((2, 13), (3, 16), (4, 24), (5, 32), (9, 64)) if bits <= room)
    if len(data) < 64:
        return 1 + len(data)
    return (2 if len(data) < 4096 else 5) + len(data)
