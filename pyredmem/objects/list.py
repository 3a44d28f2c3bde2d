"""Lists: a ``listpack`` while they are small, a ``quicklist`` beyond that, as in Redis 7.2 t_list.c.

A list grows into a quicklist *before* elements are added, judged by the bytes of the arguments alone, so a listpack
may end up somewhat larger than the limit. It shrinks back when elements were taken out and one node is left that is no
more than half the limit. The listpack itself just becomes the first node, and the other way round.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.numbers import parse_integer
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.mover import Mover
from pyredmem.objects.collection import Collection, Encoded
from pyredmem.objects.digest import LIST_TYPE, Digest
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.list_encodings import ListEncoding, ListpackList, QuicklistList
from pyredmem.objects.object import RedisObject
from pyredmem.structures.list_node import ListNode
from pyredmem.structures.quicklist import Quicklist


@mypyc_attr(acyclic=True)
class ListObject(Collection):
    """A list."""

    def __init__(self, allocator: Allocator | None, encoded: ListEncoding) -> None:
        super().__init__(allocator)
        self.encoded = encoded

    def type_name(self) -> bytes:
        """What TYPE says."""
        return b"list"

    def payload(self) -> Encoded:
        """The elements in their encoding."""
        return self.encoded

    def length(self) -> i64:
        """How many elements there are."""
        return self.encoded.length()

    def elements(self) -> list[bytes]:
        """All elements, the head first."""
        return self.encoded.elements(0, self.encoded.length())

    # Elements come in.

    def push(self, element: bytes, at_tail: bool, limits: EncodingLimits) -> None:
        """Add an element at an end."""
        self.encoded = self.encoded.grown(len(element), 1, limits)
        self.encoded.push(element, at_tail, limits)

    def push_moved(self, element: bytes, at_tail: bool, limits: EncodingLimits) -> None:
        """Add an element that was taken out of a list; a number is no bytes to the check for a quicklist."""
        self.encoded = self.encoded.grown(len(element) if parse_integer(element) is None else 0, 1, limits)
        self.encoded.push(element, at_tail, limits)

    def push_arguments(self, argv: list[bytes], at_tail: bool, limits: EncodingLimits) -> None:
        """Add the arguments from the third on, one after the other."""
        count: i64 = len(argv)
        added_bytes: i64 = 0
        at: i64 = 2
        while at < count:
            added_bytes += len(argv[at])
            at += 1
        encoded = self.encoded.grown(added_bytes, count - 2, limits)
        self.encoded = encoded
        at = 2
        while at < count:
            encoded.push(argv[at], at_tail, limits)
            at += 1

    def insert(self, pivot: bytes, element: bytes, after: bool, limits: EncodingLimits) -> bool:
        """Add an element beside the first one equal to ``pivot``; False if there is none."""
        self.encoded = self.encoded.grown(len(element), 1, limits)
        return self.encoded.insert(pivot, element, after, limits)

    def replace(self, index: i64, element: bytes, limits: EncodingLimits) -> bool:
        """Put an element in the place of another; False if there is none. Negative places count from the tail."""
        self.encoded = self.encoded.grown(len(element), 1, limits)
        length = self.encoded.length()
        if index < 0:
            index += length
        if not 0 <= index < length:
            return False
        self.encoded.replace(index, element, limits)
        self.shrink(limits)
        return True

    # And go. Who takes out tells when it is done, by `shrink`.

    def shrink(self, limits: EncodingLimits) -> None:
        """Become a listpack again if so little is left."""
        self.encoded = self.encoded.shrunk(limits, True)

    # All.

    def duplicate(self, allocator: Allocator) -> RedisObject:
        """A list of its own with the same elements in the same encoding."""
        return ListObject(allocator, self.encoded.duplicate())

    def defrag_head(self, mover: Mover) -> None:
        """The header, and what holds the elements."""
        if mover.steers():
            self.encoded = self.encoded.relocated(mover)
        super().defrag_head(mover)

    def twin(self) -> RedisObject:
        """Another object around the elements."""
        return ListObject(None, self.encoded).succeed(self)

    def digest(self, digest: Digest) -> None:
        """Add type and elements."""
        digest.mix_number(LIST_TYPE)
        for element in self.elements():
            digest.mix(element)

    def check(self) -> None:
        """Assert the invariants."""
        self.encoded.check()


def new_list(allocator: Allocator) -> ListObject:
    """An empty list."""
    return ListObject(allocator, ListpackList(ListNode(allocator)))


def build_list(elements: list[bytes], allocator: Allocator, limits: EncodingLimits) -> ListObject:
    """A list of these elements as SORT with STORE makes it: a listpack if they are no more than the whole limit."""
    quicklist = Quicklist(allocator, limits.list_size, limits.list_compress_depth)
    for element in elements:
        quicklist.push_tail(element, limits.packed_threshold)
    return ListObject(allocator, QuicklistList(quicklist).shrunk(limits, False))
