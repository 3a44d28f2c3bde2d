"""Lists: a ``listpack`` while they are small, a ``quicklist`` beyond that, as in Redis 7.2 t_list.c.

A list is converted to a quicklist *before* elements are added, judged by the bytes of the arguments alone, so a
listpack can end up somewhat larger than the limit. It is converted back after elements were removed, when one node is
left and that is at most half as large as the limit. The listpack itself becomes the first node of the quicklist, and
the only node of a quicklist becomes the listpack.
"""

from __future__ import annotations

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.numbers import parse_integer
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.mover import Mover
from pyredmem.memory.relocation import relocated
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
        return b"list"

    def payload(self) -> Encoded:
        return self.encoded

    def length(self) -> i64:
        return self.encoded.length()

    def elements(self) -> list[bytes]:
        """All elements, the head first."""
        return self.encoded.elements(0, self.encoded.length())

    # Adding.

    def push(self, element: bytes, at_tail: bool, limits: EncodingLimits) -> None:
        self.encoded = self.encoded.grown(len(element), 1, limits)
        self.encoded.push(element, at_tail, limits)

    def push_moved(self, element: bytes, at_tail: bool, limits: EncodingLimits) -> None:
        """Add an element popped from a list. The check for a quicklist counts no bytes for a number, as in Redis."""
        self.encoded = self.encoded.grown(len(element) if parse_integer(element) is None else 0, 1, limits)
        self.encoded.push(element, at_tail, limits)

    def push_arguments(self, argv: list[bytes], at_tail: bool, limits: EncodingLimits) -> None:
        """Add the arguments from the third on, one by one."""
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
        """Replace the element at an index; False if there is none. A negative index counts from the tail."""
        self.encoded = self.encoded.grown(len(element), 1, limits)
        length = self.encoded.length()
        if index < 0:
            index += length
        if not 0 <= index < length:
            return False
        self.encoded.replace(index, element, limits)
        self.shrink(limits)
        return True

    # Removing. The caller removes elements from `encoded` and then calls `shrink`.

    def shrink(self, limits: EncodingLimits) -> None:
        """Convert back to a listpack if few enough elements are left."""
        self.encoded = self.encoded.shrunk(limits, True)

    # The whole value.

    def duplicate(self, allocator: Allocator) -> RedisObject:
        """Another list with the same elements in the same encoding."""
        return ListObject(allocator, self.encoded.duplicate())

    def defrag_head(self, mover: Mover) -> None:
        if mover.steers():
            self.encoded = relocated(self.encoded, mover)
        super().defrag_head(mover)

    def twin(self) -> RedisObject:
        return ListObject(None, self.encoded).succeed(self)

    def detach(self) -> None:
        self.encoded = self.encoded.twin()
        self.encoded.detach()

    def digest(self, digest: Digest) -> None:
        digest.mix_number(LIST_TYPE)
        for element in self.elements():
            digest.mix(element)

    def check(self) -> None:
        self.encoded.check()


def new_list(allocator: Allocator) -> ListObject:
    return ListObject(allocator, ListpackList(ListNode(allocator)))


def build_list(elements: list[bytes], allocator: Allocator, limits: EncodingLimits) -> ListObject:
    """The list that SORT with STORE makes of these elements: a listpack if they are within the whole limit."""
    quicklist = Quicklist(allocator, limits.list_size, limits.list_compress_depth)
    for element in elements:
        quicklist.push_tail(element, limits.packed_threshold)
    return ListObject(allocator, QuicklistList(quicklist).shrunk(limits, False))
